package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// units are the files of systemd, with the test's own binary as the service.
func units(t *testing.T) (folder string, keys map[string][]string) {
	t.Helper()
	folder, keys = t.TempDir(), make(map[string][]string)
	for _, name := range []string{"parley-service.service", "parley-service.socket"} {
		unit, err := os.ReadFile(filepath.Join("deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(unit)) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && line[0] != '#' {
				keys[key] = append(keys[key], value)
			}
		}
		unit = bytes.Replace(unit, []byte("/usr/local/bin/parley-service"), []byte(os.Args[0]), 1)
		if err := os.WriteFile(filepath.Join(folder, name), unit, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, keys
}

func TestUnitsAreSound(t *testing.T) {
	binary := program(t, "systemd-analyze")
	folder, _ := units(t)
	said, err := exec.Command(binary, "verify", "--man=no",
		folder+"/parley-service.service", folder+"/parley-service.socket").CombinedOutput()
	if err != nil || len(said) > 0 {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestRestartBySystemd: the socket outlives the process. Who comes while none runs
// waits, and is served.
func TestRestartBySystemd(t *testing.T) {
	_, keys := units(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	env := append(keys["Environment"], "LISTEN_FDS=1", "LISTEN_FDNAMES="+keys["FileDescriptorName"][0])
	s := &service{url: "http://" + listener.Addr().String()}
	s.run(t, env, file)
	await(t, func() bool { return s.status("/readyz") == http.StatusOK })
	s.stop(t)

	waiting, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	io.WriteString(waiting, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	s.log.Reset()
	s.run(t, env, file)
	answer, err := http.ReadResponse(bufio.NewReader(waiting), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("who has waited is answered %v, %v", answer, err)
	}
	waiting.Close()
	s.stop(t)
}

// So long does the program take when it is told to end: see main.go.
const (
	drains    = 20 * time.Second
	shutsDown = 5 * time.Second
)

func TestSystemdIsPatient(t *testing.T) {
	_, keys := units(t)
	seconds, err := strconv.Atoi(keys["TimeoutStopSec"][0])
	if err != nil {
		t.Fatal(err)
	}
	if has, needs := time.Duration(seconds)*time.Second, drains+shutsDown; has < needs {
		t.Errorf("TimeoutStopSec is %v, and ending takes %v", has, needs)
	}
}

// manifest is what a test looks at in Kubernetes' files.
type manifest struct {
	Kind string
	Spec struct {
		Template struct {
			Spec struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []container
			}
		}
	}
}

type container struct {
	Env       []struct{ Name, Value string }
	Ports     []map[string]any
	Readiness probe `yaml:"readinessProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Resources struct{ Limits map[string]string }
}

type probe struct {
	Get     struct{ Path string } `yaml:"httpGet"`
	Period  int                   `yaml:"periodSeconds"`
	Timeout int                   `yaml:"timeoutSeconds"`
	Fails   int                   `yaml:"failureThreshold"`
}

// TestKubernetesIsPatient: the numbers of the manifest fit to each other and to the
// program, which runs with its environment.
func TestKubernetesIsPatient(t *testing.T) {
	grace, pod := readManifest(t)
	env := make(map[string]string)
	var list []string
	for _, one := range pod.Env {
		env[one.Name] = one.Value
		list = append(list, one.Name+"="+one.Value)
	}
	delay, err := time.ParseDuration(env["READY_DELAY"])
	if err != nil {
		t.Fatal(err)
	}
	if needs := delay + drains + shutsDown; grace <= needs {
		t.Errorf("the grace period is %v, and ending takes %v", grace, needs)
	}
	notices := time.Duration((pod.Readiness.Period+pod.Readiness.Timeout)*pod.Readiness.Fails) * time.Second
	if delay <= notices {
		t.Errorf("READY_DELAY is %v, and the probe takes %v to notice", delay, notices)
	}
	if limit, soft := bytesOf(t, pod.Resources.Limits["memory"]), bytesOf(t, env["GOMEMLIMIT"]); soft >= limit {
		t.Errorf("GOMEMLIMIT is %d, and the limit %d", soft, limit)
	}
	if len(pod.Ports) != 1 || pod.Ports[0]["containerPort"] != 8080 {
		t.Errorf("the ports are %v, and the program listens on 8080", pod.Ports)
	}
	s := start(t, list...)
	for _, path := range []string{pod.Readiness.Get.Path, pod.Liveness.Get.Path} {
		if got := s.status(path); got != http.StatusOK {
			t.Errorf("a probe of %s is answered %d", path, got)
		}
	}
	s.cmd.Process.Kill() // or the test waits for READY_DELAY
	s.cmd.Wait()
}

func readManifest(t *testing.T) (grace time.Duration, pod container) {
	t.Helper()
	file, err := os.Open("deploy/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kinds := make(map[string]manifest)
	for documents := yaml.NewDecoder(file); ; {
		var m manifest
		if err := documents.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		kinds[m.Kind] = m
	}
	if len(kinds) != 3 || len(kinds["Deployment"].Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("the manifest has %v", kinds)
	}
	spec := kinds["Deployment"].Spec.Template.Spec
	return time.Duration(spec.Grace) * time.Second, spec.Containers[0]
}

// bytesOf reads a size as Kubernetes and Go write it.
func bytesOf(t *testing.T, size string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimRight(size, "MiB"))
	if err != nil {
		t.Fatal(err)
	}
	return n << 20
}
