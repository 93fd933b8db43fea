"""The pages a person opens in a browser: plain HTML, ES modules and CSS, no build step.

Begin with `static/main.js`; `routes.py` serves it.
"""
