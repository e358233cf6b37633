"""The sample workspace: a small company with a French and an English side, so that a newcomer can try everything.

Made from a fixed seed, through the product's own services; every address is at a reserved domain (RFC 2606).
"""
