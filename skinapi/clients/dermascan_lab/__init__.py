"""The API of DermaScan lab, an earlier system: it translates and never decides."""
