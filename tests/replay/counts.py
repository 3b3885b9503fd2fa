#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""counts EXPORT EXPECTED: does each call that the workload counted have an edge?"""
import json
import sys


def main():
    ids, edges, total = {}, {}, 0
    with open(sys.argv[1], encoding="utf-8") as export:
        for line in export:
            item = json.loads(line)
            if "node" in item and item.get("path", "").startswith("/root/replay."):
                ids.setdefault(item["path"], set()).add(item["node"].split("@")[0])
            elif item.get("class") == "data":
                total += 1
                end = item["from"] if item["edge"] == "read" else item["to"]
                key = end.split("@")[0], item["edge"]
                edges[key] = edges.get(key, 0) + 1
    with open(sys.argv[2], encoding="utf-8") as expected:
        wanted = [line.split() for line in expected if line.startswith("/root/replay.")]
    print(f"{total} data edges in all, {sum(int(count) for _, _, count in wanted)} are counted")
    short = not wanted
    for path, op, count in wanted:
        found = sum(edges.get((node, op), 0) for node in ids.get(path, ()))
        print(f"{path}: {found} of {count} edges {op}")
        short |= found < int(count)
    sys.exit(short)


main()
