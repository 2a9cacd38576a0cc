//go:build linux

package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// crowd is clients of all kinds at work. They count what went well, and report what
// a deploy may not do to them.
type crowd struct {
	t    *testing.T
	addr string
	work sync.WaitGroup
	stop chan struct{}

	mu           sync.Mutex
	done         map[string]int // what each client has got done
	moved        map[string]int // how often each kind was told to come back
	acknowledged []string
}

func gather(t *testing.T, addr string) *crowd {
	c := &crowd{t: t, addr: addr, stop: make(chan struct{}),
		done: make(map[string]int), moved: make(map[string]int)}
	start := func(work func(name string), name string) {
		c.done[name] = 0
		c.work.Go(func() { work(name) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range 4 {
		start(func(name string) { c.ask(name, &http.Transport{}) }, fmt.Sprint("asker ", i))
		start(func(name string) { c.ask(name, &http.Transport{DisableKeepAlives: true}) }, fmt.Sprint("visitor ", i))
		start(c.talk, fmt.Sprint("client ", i))
	}
	for i := range 2 {
		start(c.follow, fmt.Sprint("reader ", i))
	}
	return c
}

// works waits until each of the clients has got something done.
func (c *crowd) works() {
	c.t.Helper()
	c.mu.Lock()
	before := maps.Clone(c.done)
	c.mu.Unlock()
	await(c.t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for name, had := range before {
			if c.done[name] < had+20 {
				return false
			}
		}
		return true
	})
}

func (c *crowd) hasDone(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done[name]++
}

func (c *crowd) goOn() bool {
	select {
	case <-c.stop:
		return false
	case <-time.After(time.Millisecond):
		return true
	}
}

func (c *crowd) disperse() {
	close(c.stop)
	c.work.Wait()
}

func (c *crowd) comesBack(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved[kind]++
}

// ask sends requests that net/http's client does not repeat by itself.
func (c *crowd) ask(name string, transport *http.Transport) {
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for c.goOn() {
		answer, err := client.Post("http://"+c.addr+"/work", "text/plain", strings.NewReader("work"))
		if err != nil {
			c.t.Errorf("a request: %v", err)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || string(body) != "done" {
			c.t.Errorf("a request was answered %s %q, %v", answer.Status, body, err)
		}
		c.hasDone(name)
	}
}

// follow reads a stream, and opens the next when it was told to.
func (c *crowd) follow(name string) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for c.goOn() {
		ctx, cancel := context.WithCancel(context.Background())
		request, _ := http.NewRequestWithContext(ctx, "GET", "http://"+c.addr+"/events", nil)
		answer, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			c.t.Errorf("a stream: %v", err)
			cancel()
			continue
		}
		if answer.StatusCode != http.StatusOK {
			c.t.Errorf("a stream was answered %s", answer.Status)
		}
		c.readStream(name, answer.Body)
		cancel()
		answer.Body.Close()
	}
}

func (c *crowd) readStream(name string, body io.Reader) {
	lines, told := bufio.NewScanner(body), false
	for lines.Scan() {
		c.hasDone(name)
		told = told || strings.HasPrefix(lines.Text(), "retry:")
		select {
		case <-c.stop:
			return
		default:
		}
	}
	if lines.Err() != nil || !told {
		c.t.Errorf("a stream ended with %v; told to come back: %v", lines.Err(), told)
	}
	c.comesBack("stream")
}

// talk sends numbered messages, and again those that were not acknowledged when the
// socket was closed.
func (c *crowd) talk(name string) {
	var waiting []string // sent, and not acknowledged
	for number := 0; c.goOn(); {
		conn, answer, err := websocket.DefaultDialer.Dial("ws://"+c.addr+"/socket", nil)
		if err != nil {
			c.t.Errorf("a handshake: %v, %v", err, answer)
			continue
		}
		failed := make(chan error, 1)
		acknowledged := make(chan string)
		go readAcknowledgements(conn, acknowledged, failed)
		for _, message := range waiting {
			conn.WriteMessage(websocket.TextMessage, []byte(message))
		}
		waiting, err = c.converse(conn, name, &number, waiting, acknowledged, failed)
		conn.Close()
		if err != nil && !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
			c.t.Errorf("a socket ended with %v", err)
		}
	}
}

func readAcknowledgements(conn *websocket.Conn, acknowledged chan<- string, failed chan<- error) {
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			failed <- err
			close(acknowledged)
			return
		}
		acknowledged <- string(message)
	}
}

// converse returns what was not acknowledged, and why the socket ended, unless the
// client did it.
func (c *crowd) converse(
	conn *websocket.Conn, name string, number *int, waiting []string, acknowledged <-chan string, failed <-chan error,
) ([]string, error) {
	stop := c.stop
	for {
		select {
		case message, open := <-acknowledged:
			if !open {
				if stop == nil {
					return waiting, nil
				}
				c.comesBack("socket")
				return waiting, <-failed
			}
			if len(waiting) == 0 || message != waiting[0] {
				c.t.Errorf("acknowledged %q, want the first of %q", message, waiting)
				return nil, nil
			}
			waiting = waiting[1:]
			c.mu.Lock()
			c.acknowledged = append(c.acknowledged, message)
			c.done[name]++
			c.mu.Unlock()
		case <-time.After(time.Millisecond):
			if stop != nil && len(waiting) < 4 {
				*number++
				waiting = append(waiting, fmt.Sprint(name, ": ", *number))
				conn.WriteMessage(websocket.TextMessage, []byte(waiting[len(waiting)-1]))
			}
		case <-stop:
			stop = nil
			bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
			conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Minute))
		}
	}
}
