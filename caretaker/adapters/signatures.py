"""Checking a phone's signature: WebCrypto's ECDSA P-256, which writes r and s one after the other."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256


def verify_signature(jwk: Mapping[str, str], text: str, signature: str) -> bool:
    """Did the holder of this public key sign this text? Anything malformed is a no."""
    try:
        raw = _bytes(signature)
        point = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()).public_key()
        if len(raw) != 64:
            return False
        pair = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        point.verify(pair, text.encode(), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError, KeyError, binascii.Error):
        return False
    return True


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text))
