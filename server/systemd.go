package server

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// handedOver are the sockets that systemd has opened for the process, by name. They
// can be read once: the descriptors have owners then.
var handedOver struct {
	sync.Mutex
	read  bool
	named map[string][]net.Listener
}

// activated takes the sockets that systemd has opened for the process: those of a
// name (FileDescriptorName in the unit), or all that are left.
func activated(name string) (list []net.Listener, err error) {
	handedOver.Lock()
	defer handedOver.Unlock()
	if !handedOver.read {
		if handedOver.named, err = activation.ListenersWithNames(); err != nil {
			return nil, fmt.Errorf("listen systemd: %w", err)
		}
		handedOver.read = true
	}
	for _, of := range slices.Sorted(maps.Keys(handedOver.named)) {
		if name == "" || of == name {
			list = append(list, handedOver.named[of]...)
			delete(handedOver.named, of)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("listen systemd:%s: systemd has opened no such socket", name)
	}
	return list, nil
}

// tellSystemd tells the service manager of the process's state, where there is
// one.
func (s *Server) tellSystemd(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log(slog.LevelWarn, "server: telling systemd", "state", state, "error", err)
	}
}

// keepWatchdog tells systemd's watchdog, if the unit has one, that the process is
// alive, until done is closed.
func (s *Server) keepWatchdog(done <-chan struct{}) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval <= 0 {
		return
	}
	ticker := time.NewTicker(interval / 2)
	defer ticker.Stop()
	for {
		s.tellSystemd(daemon.SdNotifyWatchdog)
		select {
		case <-ticker.C:
		case <-done:
			return
		}
	}
}
