package server

import (
	"fmt"
	"net"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// activated returns the sockets that systemd has opened for the process: those of a
// name (FileDescriptorName in the unit), or all.
func activated(name string) ([]net.Listener, error) {
	named, err := activation.ListenersWithNames()
	if err != nil {
		return nil, fmt.Errorf("listen systemd: %w", err)
	}
	var list []net.Listener
	for of, listeners := range named {
		for _, listener := range listeners {
			if listener != nil && (name == "" || of == name) {
				list = append(list, listener)
			}
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
		s.options.Logger.Warn("server: telling systemd", "state", state, "error", err)
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
