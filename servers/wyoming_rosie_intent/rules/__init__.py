"""Engines that understand sentences, one file each."""
