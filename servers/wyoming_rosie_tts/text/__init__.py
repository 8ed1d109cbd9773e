"""Text and SSML to speakable segments."""
