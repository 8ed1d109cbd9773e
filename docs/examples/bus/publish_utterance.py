"""A voice device in one file: publishes a recording to the bridge and waits for the receipt and the answer.

    python publish_utterance.py command.wav [mqtt-host] [port] [device]

Needs paho-mqtt only. A device that people rely on keeps the recording until the receipt has come, and sends it again every few
seconds with the same key; wyoming_rosie/bus/voice_node.py does so.
"""

import base64
import json
import sys
import time
import uuid
import wave

import paho.mqtt.client as mqtt


def create_message(path: str, device: str) -> dict:
    with wave.open(path, "rb") as recording:
        audio = {
            "rate": recording.getframerate(),
            "width": recording.getsampwidth(),
            "channels": recording.getnchannels(),
        }
        samples = recording.readframes(recording.getnframes())
    data = {"inline": base64.b64encode(samples).decode(), "fmt": audio, "area": "Kitchen", "age": 0.0}
    return {
        "schema": "rosie.v1.voice.audio_meta",
        "key": f"{device}:{uuid.uuid4().hex[:8]}:1",  # the same key each time that it is sent
        "ts": time.time(),
        "source": device,
        "data": data,
    }


def main(path: str, host: str = "127.0.0.1", port: str = "1883", device: str = "kitchen") -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    answered = []

    def on_message(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        data = json.loads(message.payload)["data"]
        shown = {name: value for name, value in data.items() if name != "audio"}
        print(message.topic, json.dumps(shown, ensure_ascii=False))
        if message.topic.endswith("/say") or data.get("result") == "rejected":
            answered.append(message)

    client.on_message = on_message
    client.connect(host, int(port))
    client.subscribe([(f"voice/{device}/receipt", 1), (f"voice/{device}/say", 1)])
    client.loop_start()
    client.publish(f"voice/{device}/audio_meta", json.dumps(create_message(path, device)), qos=1).wait_for_publish(10)
    deadline = time.monotonic() + 30
    while not answered and time.monotonic() < deadline:
        time.sleep(0.05)
    client.loop_stop()
    if not answered:
        sys.exit("no answer came within 30 s")


if __name__ == "__main__":
    main(*sys.argv[1:])
