"""The sport-rewards lakehouse: change data capture into Delta tables, and the rewards computed from them."""

from lakehouse.terminal import quiet_interrupts

quiet_interrupts()
