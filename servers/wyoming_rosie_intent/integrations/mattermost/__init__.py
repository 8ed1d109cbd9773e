"""Mattermost, a chat server: messages by voice, mentions read aloud, and channels that ask and are spoken in rooms."""
