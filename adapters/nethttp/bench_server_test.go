//go:build unix

package nethttp_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/parleygo/parley/adapters/nethttp"
)

// A benchmark's server runs in a process of its own, this test binary started
// again, so that what it uses can be told from what its clients use.

type benchServer struct {
	tb   testing.TB
	addr string
}

// startBenchServer starts a server of the named kind.
func startBenchServer(tb testing.TB, kind string) *benchServer {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), benchServerVariable+"="+kind)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe() // its end ends the server
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stdin.Close()
		command.Wait()
	})
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	return &benchServer{tb, strings.TrimSpace(addr)}
}

// usage asks the server for its CPU time in ns, memory in bytes or goroutines.
func (s *benchServer) usage(what string) int64 {
	response, err := http.Get("http://" + s.addr + "/usage/" + what)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.tb.Fatal(err)
	}
	value, err := strconv.ParseInt(string(body), 10, 64)
	if err != nil {
		s.tb.Fatal(err)
	}
	return value
}

func init() { serveBench = serveBenchmark }

// serveBenchmark is the server's main.
func serveBenchmark(kind string) {
	handlers := map[string]http.Handler{"kit": nethttp.Handler(echo), "melody": melodyEcho(), "gorilla": gorillaEcho()}
	mux := http.NewServeMux()
	mux.Handle("/", handlers[kind])
	mux.HandleFunc("/usage/{what}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, usageNow(r.PathValue("what")))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, mux)
	io.Copy(io.Discard, os.Stdin)
}

func usageNow(what string) int64 {
	switch what {
	case "cpu":
		var usage syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		return usage.Utime.Nano() + usage.Stime.Nano()
	case "memory":
		for range 3 {
			runtime.GC()
		}
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapInuse + stats.StackInuse)
	case "goroutines":
		return int64(runtime.NumGoroutine())
	}
	return -1
}
