//go:build unix

package main

import (
	"fmt"
	"slices"
)

// aim is a line of the table that says what is aimed at and what is reached.
type aim struct {
	work, scenario, row string
	measure             int    // absolute, unless it is to be a ratio
	beside              string // the row that it is a ratio to
	times               bool   // how many times as much beside takes
	aim                 string
}

const (
	ginTower   = "kit: two routers, ten deciding middlewares, gin"
	inGroup    = "kit: consumer in a group"
	sockFunc   = "kit: WebSocketFunc"
	asConsumer = "kit: consumer"
	kitScope   = "kit: router, values in the scope"
)

var aims = []aim{
	{"gin under two routers and ten deciding middlewares, to gin", "http-gin", ginTower, 0, "gin",
		false, "≤ 1.05"},
	{"server.Run with gin, to an http.Server with limits of time", "http-gin",
		"kit: server.Run, gin", 0, "gin, http.Server with limits of time", false, "≤ 1.05"},
	{"HTTP app in events, to ServeMux", "http-mux", "kit: ServeMux, apps in events", 0, "ServeMux",
		false, "≤ 1.08"},
	{"route with a method and two wildcards, to ServeMux", "route", kitScope, 0, "ServeMux",
		false, "≤ 0.6"},
	{"its allocations, the handler's one among them", "route", kitScope, 1, "", false, "1"},
	{"echo of 64 B, WebSocketFunc, to melody", "echo-64", sockFunc, 0, "melody", false, "≤ 0.75"},
	{"echo of 64 B, consumer, to melody", "echo-64", asConsumer, 0, "melody", false, "≤ 0.75"},
	{"echo of 4 KiB, WebSocketFunc, to melody", "echo-4096", sockFunc, 0, "melody", false, "≤ 0.45"},
	{"the same, ReadLent", "echo-4096", "kit: WebSocketFunc, ReadLent", 0, "melody", false,
		"≤ 0.45"},
	{"echo of 4 KiB, consumer, to melody", "echo-4096", asConsumer, 0, "melody", false, "≤ 0.45"},
	{"the same, Lend", "echo-4096", "kit: consumer, Lend", 0, "melody", false, "≤ 0.45"},
	{"idle socket, KiB", "idle", sockFunc, 0, "", false, "≤ 8"},
	{"idle socket after GC, KiB", "idle", sockFunc, 1, "", false, "≤ 7"},
	{"idle consumer in a group, KiB", "idle", inGroup, 0, "", false, "≤ 8"},
	{"idle consumer in a group after GC, KiB", "idle", inGroup, 1, "", false, "≤ 7"},
	{"one message at a time, 1000 members, to melody", "single-1000", "kit", 0, "melody", false,
		"≤ 0.85"},
	{"one message at a time, 5000 members, to melody", "single-5000", "kit", 0, "melody", false,
		"≤ 0.85"},
	{"burst of 600 to 1000 members, µs a delivery", "burst-1000", "kit", 0, "", false, "≤ 0.25"},
	{"its rate to that of centrifuge", "burst-1000", "kit", 0, "centrifuge", true, "≥ 8"},
	{"its rate to that of melody", "burst-1000", "kit", 0, "melody", true, "≥ 35"},
	{"burst of 100 to 5000 members, µs a delivery", "burst-5000", "kit", 0, "", false, "≤ 0.6"},
}

const acrossRedis = "kit over Redis"

// clusterAims are at the last of several lines where a table is a curve.
var clusterAims = []aim{
	{"burst to another process over Redis, its rate to that of centrifuge", "cluster-burst",
		acrossRedis, 0, "centrifuge over Redis", false, "≥ 4"},
	{"to that of channels_redis pub/sub", "cluster-burst", acrossRedis, 0,
		"channels_redis pub/sub", false, "≥ 25"},
	{"to that of channels_redis core", "cluster-burst", acrossRedis, 0, "channels_redis core",
		false, "≥ 50"},
	{"PUBLISH a group send to 5000 members", "cluster-send", "kit", 1, "", false, "1"},
	{"round trips a group send", "cluster-send", "kit", 3, "", false, "≤ 1"},
	{"round trips a send to a kept group", "cluster-resume", "kit", 3, "", false, "≤ 1"},
	{"resume of 1000 missed messages, ms", "cluster-resume", "kit", 0, "", false, "≤ 20"},
	{"idle group of 100 000, KiB", "cluster-idle", "kit", 0, "", false, "≤ 1"},
	{"all of them subscribed to again, s", "cluster-idle", "kit", 1, "", false, "≤ 3"},
	{"commands a second, 10 000 present", "cluster-present", "kit", 0, "", false, "≤ 1"},
}

// glance is what was reached of what is aimed at, as far as it was measured.
func glance(title string, tables []*table) string {
	lines := [][]string{{"", "measured", "aim"}}
	for _, a := range slices.Concat(aims, clusterAims) {
		for _, t := range tables {
			if t.name == a.scenario && t.find(a.row) >= 0 &&
				(a.beside == "" || t.find(a.beside) >= 0) {
				lines = append(lines, []string{a.work, a.measured(t), a.aim})
			}
		}
	}
	if len(lines) == 1 {
		return ""
	}
	return "\n### " + title + "\n\n" + layout(lines)
}

func (a aim) measured(t *table) string {
	own := t.find(a.row)
	if a.beside == "" {
		return figure(t.median(own, a.measure))
	}
	other := t.find(a.beside)
	if a.times {
		return fmt.Sprintf("%.1f", t.ratio(other, own, a.measure))
	}
	ratio := t.ratio(own, other, a.measure)
	if ratio < 10 {
		return fmt.Sprintf("%.2f", ratio)
	}
	return figure(ratio)
}
