//go:build unix

package main

import "fmt"

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
)

var aims = []aim{
	{"gin under two routers and ten deciding middlewares, to gin", "http-gin", ginTower, 0, "gin",
		false, "≤ 1.05"},
	{"server.Run with gin, to an http.Server with limits of time", "http-gin",
		"kit: server.Run, gin", 0, "gin, http.Server with limits of time", false, "≤ 1.05"},
	{"HTTP app in events, to ServeMux", "http-mux", "kit: ServeMux, apps in events", 0, "ServeMux",
		false, "≤ 1.08"},
	{"route with a method and two wildcards, to ServeMux", "route", "kit: router", 0, "ServeMux",
		false, "≤ 0.6"},
	{"its allocations, the handler's one among them", "route", "kit: router", 1, "", false, "1"},
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

// glance is what was reached of what is aimed at, as far as it was measured.
func glance(tables []*table) string {
	lines := [][]string{{"", "measured", "aim"}}
	for _, a := range aims {
		for _, t := range tables {
			if t.name == a.scenario {
				lines = append(lines, []string{a.work, a.measured(t), a.aim})
			}
		}
	}
	if len(lines) == 1 {
		return ""
	}
	return "\n### Aims\n\n" + layout(lines)
}

func (a aim) measured(t *table) string {
	own := t.median(t.find(a.row), a.measure)
	if a.beside == "" {
		return figure(own)
	}
	other := t.median(t.find(a.beside), a.measure)
	if a.times {
		return fmt.Sprintf("%.1f", other/own)
	}
	return fmt.Sprintf("%.2f", own/other)
}
