"""Face motion with exact truth: face models, motion, camera and detector noise, and what they make together."""
