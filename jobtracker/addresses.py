"""Which addresses are plainly of the open Internet."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address

# IANA's special-purpose registries (RFC 6890 and its successors), and what routes into them.
# Python's `is_global` is not used: it passes several of these.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")  # all that is handed out; NAT64, mapped, local lie outside
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarks and other protocol assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the 6bone of old
        "3fff::/20",  # documentation
    )
)
# Where clouds tell a machine its own credentials.
_METADATA = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::/32",
        "fd20:ce::254/128",
        "fe80::/10",
    )
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open Internet and nothing else."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in (*_NOT_PUBLIC_4, *_METADATA))
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_metadata(address: Address) -> bool:
    """Tell whether an address, or the IPv4 address inside it, hands out credentials."""
    return any(inner in network for inner in _faces(address) for network in _METADATA)


def _faces(address: Address) -> list[Address]:
    """Return the address and, of an IPv6 one, the IPv4 addresses that are packed into it."""
    if isinstance(address, IPv4Address):
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _NAT64):
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *(each for each in inner if each)]
