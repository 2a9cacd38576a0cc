//go:build unix

package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// peers are the modules whose versions are told.
var peers = []string{
	"centrifugal/centrifuge", "coder/websocket", "gin-gonic/gin", "go-chi/chi", "gorilla/websocket",
	"lxzan/gws", "olahol/melody", "alitto/pond", "panjf2000/ants",
}

// clusterPeers are those of servers on one broker.
var clusterPeers = []string{
	"centrifugal/centrifuge", "nats-io/nats-server", "nats-io/nats.go", "redis/rueidis",
}

// machine says where, when and with what something was measured.
func (s *setup) machine() string {
	var system unix.Utsname
	unix.Uname(&system)
	kernel := strings.TrimRight(string(system.Release[:]), "\x00")
	if parts := strings.SplitN(kernel, ".", 3); len(parts) == 3 {
		kernel = parts[0] + "." + parts[1] // what comes behind names a build
	}
	text := fmt.Sprintf("Measured on %s with %s, %s/%s, kernel %s, %d processors",
		time.Now().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, kernel,
		runtime.NumCPU())
	if model := processor(); model != "" {
		text += " (" + model + ")"
	}
	if s.cluster {
		list := versions(clusterPeers)
		for _, need := range slices.Sorted(maps.Keys(needed)) {
			if version := s.tools.version(need); version != "" {
				list = append(list, version)
			}
		}
		return text + "; " + strings.Join(list, ", ") + "."
	}
	if s.wrk != "" {
		text += ", HTTP by wrk"
	}
	return text + "; " + strings.Join(versions(peers), ", ") + "."
}

func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range bytes.Lines(info) {
		name, model, _ := strings.Cut(string(line), ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return ""
}

var major = regexp.MustCompile(`/v\d+$`)

func versions(of []string) (list []string) {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		name := major.ReplaceAllString(strings.TrimPrefix(module.Path, "github.com/"), "")
		if slices.Contains(of, name) {
			list = append(list, path.Base(path.Dir(name))+"/"+path.Base(name)+" "+module.Version)
		}
	}
	return list
}
