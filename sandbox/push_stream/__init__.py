"""The push-stream API: its endpoints, the Channel Key, the channels, and the apps' open states."""

BASE_PATH = "/api/v1"
