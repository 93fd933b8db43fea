"""A QR code as the path of an SVG."""


def draw_qr(text: str) -> tuple[int, str]:
    """How many squares it is wide, and the path of the dark ones in an SVG."""
    # Here, because it loads much, and few requests want it.
    from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel  # noqa: PLC0415

    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    dark = [
        f"M{across} {down}h1v1h-1z"
        for down, row in enumerate(code.modules)
        for across, square in enumerate(row)
        if square
    ]
    return len(code.modules), "".join(dark)
