"""The guided run: a real database of its own, three people, and the main job from asking to proof.

It touches no database that is already on the machine, and leaves nothing behind.
"""
