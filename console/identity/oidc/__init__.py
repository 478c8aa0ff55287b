"""Moj Mint as an OpenID provider: applications, consents, codes and tokens, and the keys that sign.

What Authlib and joserfc do is in ``server`` and ``keys``, which are imported with the first request that needs them.
"""
