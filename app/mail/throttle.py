"""Token buckets in Valkey, shared by all hosts: each lane lets out so many messages a second."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis
    from redis.commands.core import Script

# KEYS[1] bucket; ARGV rate a second, burst, wanted. The server's clock counts, so hosts need not agree on the time.
_TAKE = """
local now = redis.call('TIME')
local t = now[1] + now[2] / 1000000
local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(state[1]) or burst
local at = tonumber(state[2]) or t
tokens = math.min(burst, tokens + math.max(0, t - at) * rate)
local granted = math.max(0, math.min(wanted, math.floor(tokens)))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', t))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / math.max(rate, 0.001) * 1000) + 60000)
return granted
"""
# KEYS[1] bucket; ARGV how many come back, burst.
_RETURN = """
local tokens = tonumber(redis.call('HGET', KEYS[1], 'tokens'))
if tokens then
  redis.call('HSET', KEYS[1], 'tokens', tostring(math.min(tonumber(ARGV[2]), tokens + tonumber(ARGV[1]))))
end
return 0
"""


class Bucket:
    """A shared allowance: ``rate`` tokens a second flow in, at most ``burst`` are kept."""

    __slots__ = ("burst", "client", "key", "rate")

    def __init__(self, client: redis.Redis, name: str, rate: float, burst: int) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"a bucket needs a rate above 0 and a burst of at least 1, not {rate} and {burst}")
        self.client, self.key, self.rate, self.burst = client, f"bucket:{name}", rate, burst

    def take(self, up_to: int) -> int:
        """Take as many as there are, at most ``up_to``; 0 means wait."""
        return int(_script(self.client, _TAKE)(keys=[self.key], args=[self.rate, self.burst, up_to]))

    def give_back(self, count: int) -> None:
        """Put back what was taken and not used."""
        if count > 0:
            _script(self.client, _RETURN)(keys=[self.key], args=[count, self.burst])


@lru_cache(maxsize=8)
def _script(client: redis.Redis, source: str) -> Script:
    return client.register_script(source)
