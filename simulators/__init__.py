"""A small estate that misbehaves on request: physics, MQTT devices, Modbus servers, scenarios with ground truth.

    python -m simulators --site sites/demo --equipment equipment --mqtt 127.0.0.1:1883 [--scenario FILE] [--truth FILE]

From Python:

    async with Simulation(site, kinds, broker=Broker(host, port)) as estate:
        estate.faults.begin("lift-1", "power_loss", for_s=30)
"""

from simulators.mqtt import Broker
from simulators.scenario import Scenario, read_scenario
from simulators.simulation import COMMANDS, Simulation
from simulators.truth import Truth, read_truth

__all__ = ["COMMANDS", "Broker", "Scenario", "Simulation", "Truth", "read_scenario", "read_truth"]
