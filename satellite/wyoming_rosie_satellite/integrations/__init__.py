"""What is around the satellite: who is told what happens, and who may tell it what to do."""
