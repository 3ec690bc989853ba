"""Channels: shops elsewhere that sell the same goods.

Whatever connects such a shop asks what it may offer (`levels`) and tells what it has sold (`sell`), sent or canceled.
What it has heard is older than what is: it is told of a buffer of units fewer. It never sells what is not there as long
as no more than the buffer are sold here and at other channels between its asking and our hearing of its sale. If more
were, the sale is refused, stock stays as it is, and the seller is told. Its money does not pass through us.

Invariants (the auditor re-derives them):
  a channel's number is one sale; what was taken is allocated until it is sent or given back, once.

Events: channel_oversold (key: the seller's id; data: sale_id, number).
"""

from entrepot.channels.actions import cancel, change, open_channel, sell, send, set_buffer
from entrepot.channels.reads import PAGE, channel, channels, levels, oversold, sale, sales
from entrepot.channels.types import Buffer, Channel, ChannelName, Level, Sale, Sku, Sold

__all__ = [
    "PAGE", "Buffer", "Channel", "ChannelName", "Level", "Sale", "Sku", "Sold", "cancel", "change", "channel",
    "channels", "levels", "open_channel", "oversold", "sale", "sales", "sell", "send", "set_buffer",
]  # fmt: skip
