"""The MQTT collector: PUBLISHes of a chunk -> decoded columns -> accepted -> acknowledged together."""
