//go:build unix

// Command load measures the kit beside its peers from outside. Each server is a process
// of its own, on one core and with GOMAXPROCS=1; its clients are this process, one
// thread that polls, on another core. Rounds of the servers are interleaved, and what is
// compared is the processor time that the server's process took for an operation, by the
// account of the system. It prints Markdown, and draws charts.
//
//	go run ./load
//	go run ./load -write README.md -charts charts
//	go run ./load -cluster -write cluster.md -charts charts
//	go run ./load -scenarios echo-64,burst-1000 -old before=/path/to/an/older/load
//
// The program at -old is this one of another version of the kit; its kit is compared,
// too.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

func main() {
	if kind := os.Getenv(kindVariable); kind != "" {
		serve(kind)
		return
	}
	s := setup{out: os.Stdout, path: os.Args[0], size: 128, enough: 250 * time.Millisecond}
	flag.IntVar(&s.core, "core", runtime.NumCPU()-1, "the servers' processor")
	flag.IntVar(&s.rounds, "rounds", 0, "measurements of each server, if not as many as usual")
	flag.DurationVar(&s.limit, "limit", 0, "time to be done in, with fewer rounds then")
	flag.BoolVar(&s.cluster, "cluster", false, "measure servers on one broker, and nothing else")
	flag.BoolVar(&s.quick, "quick", false, "measure next to nothing, to see whether all works")
	flag.StringVar(&s.readme, "write", "", "file whose part between two marks is written anew")
	flag.StringVar(&s.charts, "charts", "", "folder to draw charts into")
	flag.StringVar(&s.old, "old", "", "NAME=PATH of another build, whose kit is compared, too")
	var only, servers string
	names := append(s.names(), (&setup{cluster: true}).names()...)
	flag.StringVar(&only, "scenarios", "", "all, or some of "+strings.Join(names, ","))
	flag.StringVar(&servers, "servers", "", "parts of the names of those to measure, beside the base")
	flag.Parse()
	s.wrk, _ = exec.LookPath("wrk")
	if s.limit == 0 {
		s.limit = s.section().limit
	}
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	if servers != "" {
		s.servers = strings.Split(servers, ",")
	}
	if _, err := s.run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
