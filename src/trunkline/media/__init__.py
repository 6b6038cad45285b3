"""The media plane's contract: what signalling asks of whatever carries the audio."""

from trunkline.media.engine import Bypass, MediaAnswer, MediaEngine, MediaFailed, MediaOffer, MediaReady

__all__ = ["Bypass", "MediaAnswer", "MediaEngine", "MediaFailed", "MediaOffer", "MediaReady"]
