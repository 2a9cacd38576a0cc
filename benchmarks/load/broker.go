//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// brokers run a broker as their child and end it when they end, so that nothing is left
// behind however this program ends. They listen where the broker does.
var brokers = map[string]func() server{"broker/redis": redisBroker, "broker/nats": natsBroker}

// startBroker starts the program on a free port, without persistence, and returns a
// connection to it.
func startBroker(names []string, arguments func(port string) []string) (server, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	command := exec.Command(program(names...), arguments(strconv.Itoa(port))...)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		panic(err)
	}
	end := func() {
		command.Process.Kill()
		command.Wait()
	}
	conn, err := answering(port)
	if err != nil {
		end()
		panic(err)
	}
	return server{port: port, close: end}, conn
}

// answering returns a connection to a server that is being started.
func answering(port int) (conn net.Conn, err error) {
	const patience = time.Minute
	for began := time.Now(); time.Since(began) < patience; time.Sleep(5 * time.Millisecond) {
		if conn, err = net.Dial("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			break
		}
	}
	return conn, err
}

func natsBroker() server {
	s, conn := startBroker(needed["nats-server"], func(port string) []string {
		return []string{"-a", "127.0.0.1", "-p", port, "-l", os.DevNull}
	})
	conn.Close()
	return s
}

func redisBroker() server {
	s, conn := startBroker(needed["redis-server"], func(port string) []string {
		return []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no",
			"--logfile", os.DevNull}
	})
	r := &redisAccount{conn: conn, in: bufio.NewReader(conn)}
	s.orders = map[string]func(int) int64{
		"commands":  func(int) int64 { return r.commands("") },
		"publishes": func(int) int64 { return r.commands("publish") },
		"scripts":   func(int) int64 { return r.commands("evalsha") },
		"reads":     func(int) int64 { return r.reads() },
		"interrupt": func(int) int64 { return int64(len(r.say("CLIENT KILL TYPE pubsub"))) },
	}
	return s
}

// redisAccount asks a Redis what others have asked of it.
type redisAccount struct {
	conn net.Conn
	in   *bufio.Reader
	own  int64 // what was asked here
}

// say gives an order and returns the answer.
func (r *redisAccount) say(order string) string {
	r.own++
	fmt.Fprint(r.conn, order, "\r\n")
	line, err := r.in.ReadString('\n')
	size, isBulk := strings.CutPrefix(strings.TrimSpace(line), "$")
	if !isBulk || err != nil {
		return line
	}
	n, _ := strconv.Atoi(size)
	text := make([]byte, n+2)
	if _, err := io.ReadFull(r.in, text); err != nil {
		panic(err)
	}
	return string(text)
}

var errNoFigure = errors.New("redis does not tell")

// commands counts those with a name, or all but what was asked here. What a script
// does counts, too.
func (r *redisAccount) commands(name string) (sum int64) {
	for line := range bytes.Lines([]byte(r.say("INFO commandstats"))) {
		command, rest, found := strings.Cut(strings.TrimPrefix(string(line), "cmdstat_"), ":calls=")
		if !found || command == "info" || command == "client|kill" || name != "" && command != name {
			continue
		}
		calls, _, _ := strings.Cut(rest, ",")
		n, err := strconv.ParseInt(calls, 10, 64)
		if err != nil {
			panic(err)
		}
		sum += n
	}
	return sum
}

// reads counts how often Redis has read something from a connection. Who waits for each
// answer before the next command has it read once a round trip.
func (r *redisAccount) reads() int64 {
	_, rest, _ := strings.Cut(r.say("INFO stats"), "total_reads_processed:")
	number, _, found := strings.Cut(rest, "\r\n")
	n, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil {
		panic(errors.Join(errNoFigure, err))
	}
	return n - r.own
}
