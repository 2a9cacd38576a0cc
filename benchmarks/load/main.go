//go:build unix

// Command load measures broadcasts from outside. Each server is a process of its own,
// on one core and with GOMAXPROCS=1; its clients are this process, one thread that
// polls and counts. Rounds of the servers are interleaved, and what is compared is
// the processor time that the server's process took for a delivery, by the account of
// the system. It prints Markdown.
//
//	go run ./load
//	go run ./load -sockets 5000 -messages 100 -rounds 7 -old kit-before=/path/to/an/older/load
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	if kind := os.Getenv(kindVariable); kind != "" {
		serve(kind)
		return
	}
	var s setup
	var kinds, scenarios, old string
	flag.IntVar(&s.sockets, "sockets", 1000, "members of the group")
	flag.IntVar(&s.messages, "messages", 600, "of a burst")
	flag.IntVar(&s.single, "single", 50, "messages that are sent one at a time")
	flag.IntVar(&s.size, "size", 128, "of a message, in bytes")
	flag.IntVar(&s.rounds, "rounds", 5, "measurements of each server")
	flag.IntVar(&s.core, "core", runtime.NumCPU()-1, "the servers' processor")
	flag.StringVar(&kinds, "servers", "floor,kit,gorilla,melody", "what is compared")
	flag.StringVar(&scenarios, "scenarios", "burst,single,flow,stuck,idle", "what is measured")
	flag.StringVar(&old, "old", "", "NAME=PATH of another build of this, whose kit is compared too")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	for _, kind := range strings.Split(kinds, ",") {
		s.variants = append(s.variants, variant{name: kind, kind: kind, path: os.Args[0]})
	}
	if name, path, ok := strings.Cut(old, "="); ok {
		s.variants = append(s.variants, variant{name: name, kind: "kit", path: path})
	}
	fmt.Printf("%s, %s/%s, %d processors, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), time.Now().Format(time.DateOnly))
	for _, name := range strings.Split(scenarios, ",") {
		scenario, ok := all[name]
		if !ok {
			fmt.Fprintln(os.Stderr, "load: there is no scenario", name)
			os.Exit(2)
		}
		s.report(scenario)
	}
}

// setup is what is compared, and how.
type setup struct {
	variants                                []variant
	sockets, messages, single, size, rounds int
	core                                    int
}

type variant struct{ name, kind, path string }

// result is one measurement.
type result struct {
	cost    float64 // in the scenario's unit
	wall    time.Duration
	lost    int
	amiss   int     // out of order
	foreign float64 // of the core's time, that others took
}

const (
	much  = 0.1 // foreign time: the measurement is repeated
	tries = 3
)

// report runs the rounds of a scenario and prints what came of them.
func (s *setup) report(scenario scenario) {
	variants := slices.Clone(s.variants)
	if scenario.kit {
		variants = slices.DeleteFunc(variants, func(v variant) bool { return v.kind != "kit" })
	}
	results := make([][]result, len(variants))
	for round := range s.rounds {
		for i := range variants {
			i = (i + round) % len(variants)
			results[i] = append(results[i], s.measure(scenario, variants[i]))
		}
	}
	fmt.Printf("\n%s\n\n", scenario.title(s))
	fmt.Printf("| | %s, median (from – to) | x %s | wall, median | lost | out of order "+
		"| foreign |\n|---|--:|--:|--:|--:|--:|--:|\n", scenario.unit, variants[0].name)
	base := median(results[0], cost)
	for i, v := range variants {
		costs := values(results[i], cost)
		lost, amiss := 0, 0
		for _, r := range results[i] {
			lost, amiss = lost+r.lost, amiss+r.amiss
		}
		fmt.Printf("| %s | %.3f (%.3f – %.3f) | %.2f | %.1f ms | %d | %d | %.0f %% |\n", v.name,
			median(results[i], cost), costs[0], costs[len(costs)-1], median(results[i], cost)/base,
			median(results[i], func(r result) float64 { return r.wall.Seconds() * 1000 }), lost, amiss,
			100*median(results[i], func(r result) float64 { return r.foreign }))
	}
}

// measure measures again where others had too much of the core.
func (s *setup) measure(scenario scenario, v variant) (r result) {
	for range tries {
		var err error
		if r, err = scenario.measure(s, v); err != nil {
			fmt.Fprintln(os.Stderr, "load:", v.name, err)
			os.Exit(1)
		}
		if r.foreign < much {
			break
		}
	}
	return r
}

func cost(r result) float64 { return r.cost }

func values(results []result, of func(result) float64) (list []float64) {
	for _, r := range results {
		list = append(list, of(r))
	}
	slices.Sort(list)
	return list
}

func median(results []result, of func(result) float64) float64 {
	list := values(results, of)
	return list[len(list)/2]
}
