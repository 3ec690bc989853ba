"""Logistics: locations, fulfillment orders, shipments and their tracking.

A fulfillment order (same id as its order) asks one location to send one order's goods; a shipment answers it. Tracking
scans may come late, twice or out of order: they are all kept, and never move a shipment backwards.

Invariants: one fulfillment order per order, one shipment per fulfillment order; a shipment is delivered once.

Events: shipment_delivered (key: the fulfillment order's id).
"""

from entrepot.logistics.actions import (
    NewShipment,
    Request,
    Scan,
    TrackingNumberTaken,
    cancel_requests,
    import_locations,
    request,
    ship,
    track,
)
from entrepot.logistics.reads import Location, ShipmentView, TrackingEvent, location_names, shipment_of

__all__ = [
    "Location", "NewShipment", "Request", "Scan", "ShipmentView", "TrackingEvent", "TrackingNumberTaken",
    "cancel_requests", "import_locations", "location_names", "request", "ship", "shipment_of", "track",
]  # fmt: skip
