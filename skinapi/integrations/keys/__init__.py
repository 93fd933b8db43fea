"""Keys with which programs call: stored, admitted, made and revoked."""
