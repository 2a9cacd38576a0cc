//go:build unix

package main

// clusterScenarios measure two servers on one broker.
func clusterScenarios(s *setup) []scenario {
	const burst = 600
	return []scenario{{
		name: "cluster-burst", title: "A burst to 1000 sockets on another process",
		about: "As many messages of 128 bytes at once as the column says: slow servers get " +
			"fewer, for all figures are for one. The rate is by the clock, from the first publish " +
			"to the last delivery. channels_redis core has room for 10 000 messages, instead of " +
			"the 100 beyond which it drops them.",
		base: "centrifuge over Redis", losses: true, rounds: 5, seconds: 90, run: (*setup).burst,
		measures: []string{"thousand deliveries a second", perDelivery,
			"publisher's CPU a message, µs", "messages"},
		rows: []row{
			{label: "kit over Redis", kind: "kit/redis", broker: "redis", n: burst},
			{label: "kit over Redis, kept", kind: "kit/kept", broker: "redis", n: burst},
			{label: "kit over NATS", kind: "kit/nats", broker: "nats", n: burst},
			{label: "kit over embedded NATS", kind: "kit/embedded", broker: "embedded", n: burst},
			{label: "centrifuge over Redis", kind: "redis/centrifuge", broker: "redis", n: burst},
			{label: "channels_redis pub/sub", kind: "channels/pubsub", broker: "redis", n: 30},
			{label: "channels_redis core", kind: "channels/core", broker: "redis", n: 10},
		},
	}, {
		name: "cluster-send", title: "A group send and the members on another process",
		about: "2000 messages of 128 bytes. What Redis is asked is counted there: with each PUBLISH, " +
			"in the same round trip, whether there are readers who share what is published.",
		axis: "members", losses: true, rounds: 3, seconds: 40, run: (*setup).groupSends,
		measures: []string{"publisher's CPU a message, µs", "PUBLISH a message",
			"commands a message", "round trips a message"},
		rows: overRedisAt([]int{1, 100, 1000, 5000}[:s.of(4, 2)], "kit/redis"),
	}, {
		name: "cluster-resume", title: "A client that comes back to a kept group",
		about: "From its handshake until it has the last of what it has missed; and what the " +
			"sends cost, commands of scripts included.",
		axis: "messages missed", rounds: 5, seconds: 30, run: (*setup).resume,
		measures: []string{"ms", "publisher's CPU a message, µs", "commands a message",
			"round trips a message"},
		rows: overRedisAt(s.list(10, 100, 1000), "kit/kept"),
	}, {
		name: "cluster-idle", title: "Groups over Redis that nobody sends to",
		about: "Memory of the process for each, its member's share included, of whom each is in a " +
			"hundred; and how long it takes after a broken connection until all is subscribed to " +
			"again and each member told.",
		axis: "groups", rounds: 3, seconds: 40, run: (*setup).idleGroups,
		measures: []string{"KiB a group", "s to subscribe again"},
		rows:     overRedisAt(s.list(1000, 10_000, 100_000), "kit/idle"),
	}, {
		name: "cluster-present", title: "Members who are present", about: "All in one process, a " +
			"hundred in each group, for 20 s in which nobody comes or goes.",
		axis: "members", rounds: 1, seconds: 50, run: (*setup).presence,
		measures: []string{"commands a second",
			"a second with what keeps connections alive", "CPU a second, ms"},
		rows: overRedisAt(s.list(1000, 10_000), "kit/present"),
	}}
}

func overRedisAt(list []int, kind string) (rows []row) {
	for _, n := range list {
		rows = append(rows, row{label: "kit", kind: kind, broker: "redis", n: n})
	}
	return rows
}
