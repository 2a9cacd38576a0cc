//go:build unix

package main

// scenario is one table: some servers under one kind of load.
type scenario struct {
	name, title, about string

	rows     []row
	base     string   // the row whose first measure is 1
	measures []string // the first one is compared
	axis     string   // what n is where the table is a curve
	losses   bool     // messages are counted, and their order is
	rounds   int
	seconds  float64 // that it takes, about: its share of the time
	run      func(*setup, row) (result, error)

	without map[string]string // what is missing for rows that are left out, by their label
}

// row is a server under the scenario's load.
type row struct {
	label, kind string
	n           int    // of what the table's axis is
	path        string // of the program, where it is not this one
	broker      string // that two servers have: "redis", "nats" or "embedded"
}

// result is one measurement.
type result struct {
	values  []float64 // of the scenario's measures
	lost    int
	amiss   int     // out of order, or wrong
	foreign float64 // of the core's time, that others took
	slight  bool    // so little time that nothing can be said of foreign
}

const (
	perRequest  = "CPU a request, µs"
	perEcho     = "CPU an echo, µs"
	perDelivery = "CPU a delivery, µs"
	perCall     = "CPU a call, µs"
	allocations = "allocations"
)

// all is what is measured.
func all(s *setup) []scenario {
	if s.cluster {
		return clusterScenarios(s)
	}
	list := append(httpScenarios(), inProcess()...)
	list = append(list, socketScenarios()...)
	list = append(list, broadcastScenarios()...)
	return append(list, s.growth()...)
}

func httpScenarios() []scenario {
	return []scenario{{
		name: "http-gin", title: "HTTP: a gin project", about: "64 connections that are kept, a " +
			"hundred routes with two wildcards each. The same engine throughout.",
		base: "gin", measures: []string{perRequest}, rounds: 11, seconds: 40, run: (*setup).request,
		rows: []row{
			{label: "gin", kind: "http/gin"},
			{label: "kit: two routers, ten deciding middlewares, gin", kind: "http/tower"},
			{label: "gin, http.Server with limits of time", kind: "http/bounded"},
			{label: "kit: server.Run, gin", kind: "http/run"},
		},
	}, {
		name: "http-mux", title: "HTTP: handlers and apps", about: "The same load and the same routes.",
		base: "ServeMux", measures: []string{perRequest}, rounds: 11, seconds: 40, run: (*setup).request,
		rows: []row{
			{label: "ServeMux", kind: "http/mux"}, {label: "chi", kind: "http/chi"},
			{label: "gin", kind: "http/gin"}, {label: "kit: router, handlers", kind: "http/router"},
			{label: "kit: ServeMux, apps in events", kind: "http/events"},
		},
	}}
}

func inProcess() []scenario {
	return []scenario{{
		name: "route", title: "A route, in process", about: "One of a hundred routes with a method and " +
			"two wildcards is found and its handler called, which reads both values and writes them " +
			"to a writer that does nothing. One allocation is the handler's. The kit's first row has " +
			"URLs.ScopeValues set, and apps that ask the scope. The second has a router without that " +
			"option, and apps that ask the scope's request. The third has ServeMux's handlers, and a " +
			"gateway, which the others are without.",
		base: "ServeMux", measures: []string{perRequest, allocations}, rounds: 5, seconds: 10,
		run: worker(500_000, 2_000),
		rows: []row{
			{label: "ServeMux", kind: "route/mux"}, {label: "chi", kind: "route/chi"},
			{label: "gin", kind: "route/gin"}, {label: kitScope, kind: "route/kit"},
			{label: "kit: router, values on the request", kind: "route/request"},
			{label: "kit: gateway, router, http.Handler", kind: "route/native"},
		},
	}, {
		name: "call", title: "A call to somewhere else, in process", about: "64 goroutines have an " +
			"empty function called in a pool of 64, and wait for each result.",
		base: "channel to a goroutine", measures: []string{perCall, allocations}, rounds: 5,
		seconds: 12, run: worker(300_000, 2_000),
		rows: []row{
			{label: "channel to a goroutine", kind: "call/channel"},
			{label: "errgroup", kind: "call/errgroup"}, {label: "ants", kind: "call/ants"},
			{label: "pond", kind: "call/pond"}, {label: "kit: bridge", kind: "call/kit"},
		},
	}}
}

func socketScenarios() []scenario {
	rows := []row{
		{label: "floor", kind: "echo/floor"}, {label: "gws", kind: "echo/gws"},
		{label: "gorilla", kind: "echo/gorilla"}, {label: "coder", kind: "echo/coder"},
		{label: "melody", kind: "echo/melody"}, {label: "kit: WebSocketFunc", kind: "echo/kit"},
		{label: "kit: WebSocketFunc, ReadLent", kind: "echo/kit-lent"},
		{label: "kit: consumer", kind: "echo/consumer"},
		{label: "kit: consumer, Lend", kind: "echo/consumer-lent"},
	}
	idle := append(rows[:6:6], row{label: "kit: consumer in a group", kind: "kit"})
	echo := func(size int) func(*setup, row) (result, error) {
		return func(s *setup, r row) (result, error) { return s.echo(r, size) }
	}
	return []scenario{{
		name: "echo-64", title: "Echo of 64 bytes, 1000 sockets", base: "melody", rounds: 11, seconds: 60,
		about:    "One message in flight on each.",
		measures: []string{perEcho}, rows: rows, run: echo(64),
	}, {
		name: "echo-4096", title: "Echo of 4 KiB, 1000 sockets", base: "melody", rounds: 11, seconds: 60,
		about:    "One message in flight on each.",
		measures: []string{perEcho}, rows: rows, run: echo(4 << 10),
	}, {
		name: "idle", title: "A socket that says nothing", base: "melody", rounds: 3, seconds: 40,
		about: "Memory of the process for each socket, as it stands while they come, the mean of nine " +
			"numbers of them from 4000 to 8000, and after a garbage collection that gives back what is free.",
		measures: []string{"KiB", "KiB after GC"}, rows: idle, run: (*setup).idle,
	}}
}

func broadcastScenarios() []scenario {
	rows := []row{
		{label: "floor", kind: "floor"}, {label: "kit", kind: "kit"}, {label: "gws", kind: "gws"},
		{label: "gorilla", kind: "gorilla"}, {label: "centrifuge", kind: "centrifuge"},
		{label: "melody", kind: "melody"},
	}
	load := func(sockets, messages, single int) func(*setup, row) (result, error) {
		return func(s *setup, r row) (result, error) {
			return s.broadcast(r, crowdLoad{s.of(sockets, 20), s.of(messages, 20), single, 0, 1})
		}
	}
	measures := []string{perDelivery, "wall, ms"}
	return []scenario{{
		name: "burst-1000", title: "600 messages of 128 bytes to 1000 sockets at once", base: "melody",
		measures: measures, losses: true, rounds: 3, seconds: 55, rows: rows, run: load(1000, 600, 0),
	}, {
		name: "burst-5000", title: "100 messages of 128 bytes to 5000 sockets at once", base: "melody",
		measures: measures, losses: true, rounds: 3, seconds: 65, rows: rows, run: load(5000, 100, 0),
	}, {
		name: "single-1000", title: "One message of 128 bytes to 1000 sockets at a time", base: "melody",
		measures: measures, losses: true, rounds: 5, seconds: 25, rows: rows, run: load(1000, 1, 50),
	}, {
		name: "single-5000", title: "One message of 128 bytes to 5000 sockets at a time", base: "melody",
		measures: measures, losses: true, rounds: 5, seconds: 45, rows: rows, run: load(5000, 1, 15),
	}, {
		name: "slow", title: "One reader that stops among 1000", about: "36 000 messages of 128 bytes; " +
			"the one who does not read is closed, as his policy says.",
		base: "kit: all read", losses: true, rounds: 3, seconds: 35, run: (*setup).slow,
		measures: []string{perDelivery, "wall, ms", "memory grown, MiB", "closed", "counted as dropped"},
		rows: []row{
			{label: "kit: all read", kind: "kit"}, {label: "kit: one stops", kind: "kit", n: 1},
		},
	}}
}

// growth is how costs grow.
func (s *setup) growth() []scenario {
	members := func(messages, single int) func(*setup, row) (result, error) {
		return func(s *setup, r row) (result, error) {
			return s.broadcast(r, crowdLoad{r.n, s.of(messages, 20), single, 0, 1})
		}
	}
	crowds := s.crowds(100, 300, 1000, 3000, 10_000, 20_000)
	return []scenario{{
		name: "members-burst", title: "Members of a group: 100 messages at once", axis: "members",
		measures: []string{perDelivery}, losses: true, rounds: 3, seconds: 35,
		rows: curve(crowds, "floor", "kit"), run: members(100, 0),
	}, {
		name: "members-single", title: "Members of a group: one message at a time", axis: "members",
		measures: []string{perDelivery}, losses: true, rounds: 3, seconds: 45,
		rows: curve(crowds, "floor", "kit"), run: members(1, 5),
	}, {
		name: "publishers", title: "Publishers to one group of 1000", about: "640 messages in all, by " +
			"so many goroutines; the order of each is looked at.", axis: "publishers",
		measures: []string{perDelivery}, losses: true, rounds: 5, seconds: 15,
		rows: curve([]int{1, 4, 16, 64}[:s.of(4, 2)], "kit"),
		run: func(s *setup, r row) (result, error) {
			return s.broadcast(r, crowdLoad{s.of(1000, 20), s.of(640, 64), 0, 0, r.n})
		},
	}, {
		name: "groups", title: "Groups of a layer, in process", about: "Four members each, whom a " +
			"message costs nothing; the next message goes to a group far away from the last.",
		axis:     "groups",
		measures: []string{"CPU a message, µs", "KiB a group"}, rounds: 3, seconds: 15,
		rows: curve(s.list(10, 100, 1000, 10_000, 100_000), "groups"), run: (*setup).groups,
	}}
}

// curve is a row for each n and kind.
func curve(list []int, kinds ...string) (rows []row) {
	for _, n := range list {
		for _, kind := range kinds {
			label := kind
			if kind == "groups" {
				label = "kit"
			}
			rows = append(rows, row{label: label, kind: kind, n: n})
		}
	}
	return rows
}
