"""Logistics: locations and the goods in them, fulfillment orders, shipments and their tracking.

A location is one seller's own, or run by the operator and shared by all. Goods come in by a receipt, which says what
they cost when they are the operator's own. A fulfillment order (same id as its order) asks one location to send one
order's goods; a shipment answers it. Tracking scans may come late, twice or out of order: they are all kept, and never
move a shipment backwards.

Invariants: goods are received where their seller may keep them; one fulfillment order per order, one shipment per
fulfillment order; a shipment is delivered once.

Events: goods_received (key: the seller's id; data: receipt_id, stock_ids), shipment_delivered (key: the fulfillment
order's id).
"""

from entrepot.logistics.actions import (
    NewShipment,
    Scan,
    TrackingNumberTaken,
    add_location,
    adjust,
    cancel_requests,
    import_locations,
    receive,
    set_address,
    set_bonded,
    ship,
    track,
)
from entrepot.logistics.reads import (
    ShipmentView,
    TrackingEvent,
    location_countries,
    location_names,
    location_of,
    locations,
    parcels_of,
    shipments_of,
    stock,
    stock_of,
)
from entrepot.logistics.types import (
    LINE_COST_MAX,
    CostNeeded,
    CostNotTaken,
    Delivered,
    Location,
    LocationAddress,
    LocationBonded,
    LocationCode,
    LocationCodeTaken,
    LocationInUse,
    LocationName,
    Receipt,
    Stock,
    Units,
)

__all__ = [
    "LINE_COST_MAX", "CostNeeded", "CostNotTaken", "Delivered", "Location", "LocationAddress", "LocationBonded",
    "LocationCode", "LocationCodeTaken", "LocationInUse", "LocationName", "NewShipment", "Receipt", "Scan",
    "ShipmentView", "Stock", "TrackingEvent", "TrackingNumberTaken", "Units", "add_location", "adjust",
    "cancel_requests", "import_locations", "location_countries", "location_names", "location_of", "locations",
    "parcels_of", "receive", "set_address", "set_bonded", "ship", "shipments_of", "stock", "stock_of", "track",
]  # fmt: skip
