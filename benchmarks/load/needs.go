//go:build unix

package main

import (
	_ "embed"
	"os/exec"
	"strings"
)

// needed are programs that not every machine has, with the names that they go by.
var needed = map[string][]string{
	"redis-server": {"redis-server"},
	"nats-server":  {"nats-server", "/usr/sbin/nats-server"},
	"channels":     {"/usr/bin/python3", "python3"},
}

// program returns the path of the first that is found, or "".
func program(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// channelsServer is a server of Django Channels. It takes the orders that ours take.
//
//go:embed channels_server.py
var channelsServer string

// version returns what a program says that it is, or "" if it cannot be had.
func version(need string) string {
	path := program(needed[need]...)
	if path == "" {
		return ""
	}
	arguments := []string{"--version"}
	if need == "channels" {
		arguments = []string{"-c", channelsServer, "version"}
	}
	out, err := exec.Command(path, arguments...).Output()
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(string(out))
	switch need {
	case "redis-server": // Redis server v=7.0.15 sha=…
		_, rest, _ := strings.Cut(text, "v=")
		text, _, _ = strings.Cut(rest, " ")
		text = need + " " + text
	case "nats-server": // nats-server: v2.9.10
		text = strings.Replace(text, ":", "", 1)
	}
	return text
}

// tools are the versions of what is needed, looked at once.
type tools map[string]string

func (t tools) version(need string) string {
	text, known := t[need]
	if !known {
		text = version(need)
		t[need] = text
	}
	return text
}

// missing returns what a row needs and the machine does not have.
func (t tools) missing(r row) string {
	for _, need := range r.needs() {
		if t.version(need) == "" {
			return need
		}
	}
	return ""
}

func (r row) needs() (list []string) {
	switch r.broker {
	case "redis", "nats":
		list = append(list, r.broker+"-server")
	}
	if strings.HasPrefix(r.kind, "channels/") {
		list = append(list, "channels")
	}
	return list
}
