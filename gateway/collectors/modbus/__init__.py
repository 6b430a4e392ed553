"""Modbus TCP (and RTU over TCP): registers of the field, grouped into few reads, every answer checked by us."""

from gateway.collectors.modbus.collector import ModbusCollector
from gateway.collectors.modbus.decode import decode, decode_many
from gateway.collectors.modbus.status import DeviceStatus

__all__ = ["DeviceStatus", "ModbusCollector", "decode", "decode_many"]
