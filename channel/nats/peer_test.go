package nats_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/peertest"
	"github.com/parleygo/parley/internal/servicetest"
)

var peerOf = flag.String("peer-of", "", "be another process at the NATS with this URL")

// TestPeerProcess is such a process, when another test starts it.
func TestPeerProcess(t *testing.T) {
	if *peerOf == "" {
		return
	}
	if err := peertest.Serve(connect(t, nats.Options{Servers: []string{*peerOf}})); err != nil {
		t.Fatal(err)
	}
}

// TestOtherProcesses: what they see of each other, and that who is killed is out.
func TestOtherProcesses(t *testing.T) {
	t.Parallel()
	withOthers(t, 0, os.Args[0], "-test.run=^TestPeerProcess$", "-peer-of")
}

// TestClocksApart: the same when the others' clocks are an hour ahead.
func TestClocksApart(t *testing.T) {
	t.Parallel()
	withOthers(t, time.Hour, servicetest.BuildAhead(t, "./testdata/peer", time.Hour))
}

// TestProcessesChurn: the same while they are killed and stopped at any moment.
func TestProcessesChurn(t *testing.T) {
	t.Parallel()
	here, others := others(t, 0, os.Args[0], "-test.run=^TestPeerProcess$", "-peer-of")
	peertest.RunChurn(t, here, others)
}

// withOthers runs the suite with a program that takes the URL behind its arguments.
func withOthers(t *testing.T, ahead time.Duration, program string, args ...string) {
	here, others := others(t, ahead, program, args...)
	peertest.Run(t, here, others)
}

// others starts a server, and returns how processes come to it.
func others(t *testing.T, ahead time.Duration, program string, args ...string) (
	here func(t *testing.T) peertest.Transport, others peertest.Others,
) {
	server := servicetest.StartNATS(t)
	here = func(t *testing.T) peertest.Transport {
		return connect(t, nats.Options{Servers: []string{server.URL}})
	}
	return here, peertest.Others{Ahead: ahead, Start: func(t *testing.T) *servicetest.Process {
		return servicetest.Start(t, program, append(args, server.URL)...)
	}}
}
