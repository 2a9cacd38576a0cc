//go:build unix

package main

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// server is one of those that are compared. What it does not have stays nil.
type server struct {
	handler http.Handler
	serve   func(net.Listener) // with handler's http.Server unless it says otherwise
	publish func(data []byte)  // to all clients, which are one group
	members func() int         // of the group
	dropped func() int         // deliveries that the server has counted as lost
	prepare func(n int)
	work    func(n int) // n operations in process

	port   int                        // where something else listens, in place of this
	orders map[string]func(int) int64 // that only this one knows
	close  func()
}

// kinds are the servers by name.
var kinds = map[string]func() server{}

func init() {
	for _, some := range []map[string]func() server{
		broadcasters, echoers, answerers, routers, callers, {"groups": manyGroups}, clustered, brokers,
	} {
		maps.Copy(kinds, some)
	}
}

const (
	kindVariable = "PARLEY_LOAD_SERVER"
	coreVariable = "PARLEY_LOAD_CORE"
	digits       = 9       // of the number that a message has behind its mark
	apart        = 1000000 // between the numbers of two publishers
)

// serve is the main of a server process, which takes its orders from its standard
// input and ends with it.
func serve(kind string) {
	if core, err := strconv.Atoi(os.Getenv(coreVariable)); err == nil {
		pin(core)
	}
	raiseLimit()
	s := kinds[kind]()
	if s.close != nil {
		defer s.close()
	}
	if s.port == 0 {
		s.port = s.listen()
	}
	fmt.Println(s.port)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		words := strings.Fields(in.Text())
		var numbers []int
		for _, word := range words[1:] {
			number, _ := strconv.Atoi(word)
			numbers = append(numbers, number)
		}
		fmt.Println(s.obey(words[0], numbers))
	}
}

func (s *server) listen() (port int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	if s.serve == nil {
		s.serve = func(l net.Listener) { http.Serve(l, s.handler) }
	}
	go s.serve(l)
	return l.Addr().(*net.TCPAddr).Port
}

// obey carries out an order and returns the number that answers it.
func (s server) obey(order string, numbers []int) (answer int64) {
	switch order {
	case "cpu":
		answer = cpuTime()
	case "memory":
		answer = resident()
	case "collect":
		debug.FreeOSMemory()
	case "allocations":
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		answer = int64(stats.Mallocs)
	case "members":
		answer = int64(s.members())
	case "dropped":
		answer = int64(s.dropped())
	case "publish":
		s.spread(numbers[0], numbers[1], numbers[2])
	case "prepare":
		s.prepare(numbers[0])
	case "work":
		s.work(numbers[0])
	default:
		answer = s.orders[order](append(numbers, 0)[0])
	}
	return answer
}

// news are the last numbers that each publisher has used.
var news [64]int

// spread publishes count messages of some size from several goroutines.
func (s server) spread(count, size, publishers int) {
	var all sync.WaitGroup
	for publisher := range publishers {
		all.Go(func() {
			for range count / publishers {
				s.publish(message(publisher*apart+news[publisher], size))
				news[publisher]++
			}
		})
	}
	all.Wait()
}

// message is JSON, since that is what centrifuge's clients expect: a mark, a number,
// and something to fill it up.
func message(number, size int) []byte {
	data := fmt.Appendf(make([]byte, 0, size), `"@%0*d`, digits, number)
	for len(data) < size-1 {
		data = append(data, 'x')
	}
	return append(data, '"')
}

func cpuTime() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// raiseLimit lets this process have as many files as it may, and returns how many
// those are.
func raiseLimit() int {
	var limit syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	limit.Cur = limit.Max
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return int(min(limit.Cur, 1<<30))
}
