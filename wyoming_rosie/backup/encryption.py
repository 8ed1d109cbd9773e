"""Encryption of a backup: scrypt makes a key of the passphrase, and AES-GCM encrypts the file and notices each change."""

import os
from typing import IO, Any

from wyoming_rosie.backup.parts import BackupError
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command

MAGIC = b"wyoming-rosie backup, encrypted 1\n"
MIN_PASSPHRASE_LENGTH = 8
SALT_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
CHUNK_BYTES = 1 << 20
SCRYPT_COST = 2**16
"""64 MB and a fifth of a second for each guess."""


def encrypt(source: IO[bytes], target: IO[bytes], passphrase: str, cost: int = SCRYPT_COST) -> None:
    """Encrypt a file. Raises ConfigError if the library is missing or the passphrase is short."""
    if len(passphrase) < MIN_PASSPHRASE_LENGTH:
        raise ConfigError(f"a passphrase has at least {MIN_PASSPHRASE_LENGTH} characters")
    header = MAGIC + os.urandom(SALT_BYTES + NONCE_BYTES)
    encryptor = _create_cipher(header, passphrase, cost).encryptor()
    encryptor.authenticate_additional_data(header)
    target.write(header)
    while chunk := source.read(CHUNK_BYTES):
        target.write(encryptor.update(chunk))
    target.write(encryptor.finalize() + encryptor.tag)


def is_encrypted(source: IO[bytes]) -> bool:
    """Return whether a file is an encrypted backup, and go back to its beginning."""
    start = source.read(len(MAGIC))
    source.seek(0)
    return start == MAGIC


def decrypt(source: IO[bytes], target: IO[bytes], passphrase: str, cost: int = SCRYPT_COST) -> None:
    """Decrypt a file. Raises BackupError for a wrong passphrase or a file that was changed; the target is then worthless."""
    from cryptography.exceptions import InvalidTag

    header = source.read(len(MAGIC) + SALT_BYTES + NONCE_BYTES)
    left = source.seek(0, os.SEEK_END) - len(header) - TAG_BYTES
    if left < 0:
        raise BackupError("the file is not whole")
    source.seek(-TAG_BYTES, os.SEEK_END)
    tag = source.read(TAG_BYTES)
    source.seek(len(header))
    decryptor = _create_cipher(header, passphrase, cost, tag).decryptor()
    decryptor.authenticate_additional_data(header)
    while left > 0 and (chunk := source.read(min(CHUNK_BYTES, left))):
        target.write(decryptor.update(chunk))
        left -= len(chunk)
    try:
        target.write(decryptor.finalize())
    except InvalidTag as err:
        raise BackupError("the passphrase is wrong, or the file was changed") from err


def _create_cipher(header: bytes, passphrase: str, cost: int, tag: bytes | None = None) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
    except ImportError as err:
        raise ConfigError(f"encrypted backups need {err.name}; run: {install_command(['web'])}") from err
    salt, nonce = header[-SALT_BYTES - NONCE_BYTES : -NONCE_BYTES], header[-NONCE_BYTES:]
    key = Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode("utf-8", "surrogateescape"))
    return Cipher(algorithms.AES(key), modes.GCM(nonce, tag))
