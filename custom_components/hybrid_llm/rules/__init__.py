"""Rules of the component: pure functions and values, without Home Assistant and without I/O."""
