"""The public log: Merkle tree, tiles, checkpoints, cosignatures, receipts, trust policies (C2SP formats)."""
