#!/usr/bin/env python3
"""Recomputes the bound of `clearlane solve AUCTION --json` from the auction and the prices, in fifty digits.

usage: recompute_bound.py AUCTION RESULT

AUCTION is an `auction-instance/1` or `/2` file, RESULT what `solve --rules plain` printed for it. It shares nothing with the
engine but the closed forms: per intent a knapsack over its options, per venue the most that it can be made to lose. Of
concentrated pools, stable pools of more than two assets and the floor rules it says that it does not know them.
"""
import json
import sys
from decimal import Decimal as D, getcontext

getcontext().prec = 50
MILLION = D(1_000_000)


def intent_part(auction, intent, price, reference):
    """Options by what they gain, each up to its cap; the rest of one that has to be filled in whole at a loss."""
    is_exact_in = intent["kind"] == "exact_in"
    beta = D(auction["surplus_cap_ppm"]) / MILLION
    options = []
    for option in intent["options"]:
        give, get = option["sell_asset"], option["buy_asset"]
        sold, bought = D(option["sell_amount"]), D(option["buy_amount"])
        if is_exact_in:
            counted, surplus = sold * reference[give] * (1 + beta) - bought * reference[get], get
        else:
            counted, surplus = sold * reference[give] - bought * reference[get] * (1 - beta), give
        spread = max(D(0), 1 - price[surplus] / reference[surplus])
        gain = sold * price[give] - bought * price[get] + max(D(0), counted) * spread
        full = sold if is_exact_in else bought
        options.append((gain, min(D(1), D(option.get("max_fixed", full)) / full)))
    is_whole = intent["fill"] == "fill_or_kill"
    if intent["choose"] == "one" and len(options) > 1:
        return max([D(0)] + [gain * cap for gain, cap in options if cap == 1 or not is_whole])
    total, left = D(0), D(1)
    for gain, cap in sorted(options, reverse=True):
        if gain > 0 or is_whole:
            part = min(left, cap)
            total, left = total + gain * part, left - part
    return D(0) if is_whole and left > D("1e-40") else max(D(0), total)


def product_part(low, high, weights):
    """Reserves worth so much where they are drawn or put in, moved along a constant product of powers.

    Coins above a common level of value by weight are drawn, those below it are put in, and the others stay.
    """
    if any(value == 0 for value in low):
        return sum(low)
    coins = [(w, (l / w).ln(), (h / w).ln(), l, h) for l, h, w in zip(low, high, weights)]
    least, most = min(coin[1] for coin in coins), max(coin[2] for coin in coins)
    for _ in range(170):
        level = (least + most) / 2
        gap = sum(w * (max(D(0), level - above) - max(D(0), below - level)) for w, below, above, _, _ in coins)
        least, most = (least, level) if gap > 0 else (level, most)
    drawn = [(w, value) for w, below, _, value, _ in coins if below > most]
    put = [(w, value) for w, _, above, _, value in coins if above < least]
    return max(D(0), sum(value - w * least.exp() for w, value in drawn + put))


def stable_part(venue, put, drawn, x, y, kept):
    """The least of `p x + q y(x)` by bisection of its slope."""
    ann, d = D(venue["ann"]), D(venue["d"])
    p, q = put / kept, drawn

    def curve(x):
        b, c = ann * x + d - ann * d, d**3 / (4 * x)
        root = (b * b + 4 * ann * c).sqrt()
        return (root - b) / (2 * ann) if b < 0 else 2 * c / (root + b)

    def slope(x):
        y = curve(x)
        return (ann + d**3 / (4 * x * x * y)) / (ann + d**3 / (4 * x * y * y))

    if p == 0:
        return q * y
    low, high = x, x
    while q * slope(high) > p:
        low, high = high, high * 2
    for _ in range(160):
        middle = (low + high) / 2
        low, high = (middle, high) if q * slope(middle) > p else (low, middle)
    return max(D(0), p * x + q * y - p * low - q * curve(low))


def venue_part(venue, price):
    kind = venue["type"]
    if kind in ("ladder", "rail"):
        put, drawn = price[venue["asset_in"]], price[venue["asset_out"]]
    if kind == "ladder":
        return sum(max(D(0), D(level["out"]) * drawn - D(level["in"]) * put) for level in venue["levels"])
    if kind == "rail":
        rate = (MILLION - venue["fee_ppm"]) / MILLION * D(venue["rate_num"]) / D(venue["rate_den"])
        fee, ends = D(venue["fixed_fee"]), (max(D(1), D(venue["min_in"])), D(venue["max_in"]))
        uses = D(venue.get("max_uses", 1))
        return uses * max([D(0)] + [drawn * rate * max(D(0), end - fee) - put * end for end in ends])
    kept = (MILLION - venue["fee_ppm"]) / MILLION
    assets, reserves = venue["assets"], [D(reserve) for reserve in venue["reserves"]]
    if kind != "stable":
        weights = [D(weight) for weight in venue["weights"]] if kind == "weighted" else [D(1), D(1)]
        low = [price[asset] * reserve for asset, reserve in zip(assets, reserves)]
        return product_part(low, [value / kept for value in low], weights)
    total = D(0)
    for coin in (0, 1):
        put, drawn = price[assets[coin]], price[assets[1 - coin]]
        s_put, s_drawn = D(venue["scale"][coin]), D(venue["scale"][1 - coin])
        x, y = reserves[coin] * s_put, reserves[1 - coin] * s_drawn
        total += stable_part(venue, put / s_put, drawn / s_drawn, x, y, kept)
    return total


def unknown(auction, result):
    """What this can't recompute."""
    found = {f"rules {result['rules']}"} if result["rules"] != "plain" else set()
    for venue in auction["liquidity"]:
        if venue["type"] == "concentrated":
            found.add("concentrated pools")
        if venue["type"] == "stable" and len(venue["assets"]) > 2:
            found.add("stable pools of more than two assets")
    return found


def main():
    auction, result = (json.load(open(path)) for path in sys.argv[1:3])
    if unknown(auction, result):
        sys.exit(f"{auction['id']}: not recomputed, since this does not know {', '.join(sorted(unknown(auction, result)))}")
    atoms = {asset["id"]: D(10) ** asset["decimals"] for asset in auction["assets"]}
    reference = {asset["id"]: D(asset["ref_price"]) / atoms[asset["id"]] for asset in auction["assets"]}
    price = {asset: D(text) / atoms[asset] for asset, text in result["prices"].items()}
    bound = sum(intent_part(auction, intent, price, reference) for intent in auction["intents"])
    bound += sum(venue_part(venue, price) for venue in auction["liquidity"])
    stated, score = D(result["bound"]), D(result["score"])
    above = (stated - bound) / max(bound, D(1))
    print(f"{auction['id']}: bound {stated}, recomputed {bound:.18f}, above it by {above:.3e} of it")
    if not (D("-1e-30") <= above <= D("1e-8") and score <= stated):
        sys.exit(f"expected a bound just above the recomputed one, found {stated}")


if __name__ == "__main__":
    main()
