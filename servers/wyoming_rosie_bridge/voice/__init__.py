"""Voice: utterances of MQTT devices become commands and answers."""
