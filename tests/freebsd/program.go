// What a program of Go does all day, built for FreeBSD and for the host: what it prints must be the same.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func goroutines() {
	sum := 0
	var lock sync.Mutex
	var all sync.WaitGroup
	parts := make(chan int)
	for i := 0; i < 64; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := range parts {
				lock.Lock()
				sum += n
				lock.Unlock()
			}
		}()
	}
	for n := 0; n < 10000; n++ {
		parts <- n
	}
	close(parts)
	all.Wait()
	fmt.Println("goroutines:", sum)
}

func files() {
	dir, err := os.MkdirTemp(".", "files")
	must(err)
	defer os.RemoveAll(dir)
	for _, name := range []string{"a", "b/c", "b/d"} {
		path := filepath.Join(dir, name)
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		must(os.WriteFile(path, []byte(name), 0o600))
	}
	must(os.Symlink("a", filepath.Join(dir, "link")))
	when := time.Unix(1234567890, 0)
	must(os.Chtimes(filepath.Join(dir, "a"), when, when))
	must(filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		must(err)
		size := info.Size()
		if info.IsDir() {
			size = 0
		}
		name, err := filepath.Rel(dir, path)
		must(err)
		fmt.Println(name, info.Mode(), size)
		return nil
	}))
	info, err := os.Stat(filepath.Join(dir, "link"))
	must(err)
	fmt.Println(info.ModTime().UTC())
	_, err = os.Stat(filepath.Join(dir, "missing"))
	fmt.Println(os.IsNotExist(err))
}

func web() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/slow" {
			time.Sleep(time.Second)
		}
		fmt.Fprintf(w, "%s %d", r.URL.Path, len(body))
	})}
	go server.Serve(listener)
	base := "http://" + listener.Addr().String()
	answers := make([]string, 50)
	var all sync.WaitGroup
	for i := range answers {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			response, err := http.Post(fmt.Sprintf("%s/%02d", base, i), "text/plain", bytes.NewReader(make([]byte, i*10000)))
			must(err)
			text, err := io.ReadAll(response.Body)
			must(err)
			response.Body.Close()
			answers[i] = string(text)
		}(i)
	}
	all.Wait()
	sort.Strings(answers)
	fmt.Println(answers)
	client := http.Client{Timeout: 50 * time.Millisecond}
	_, err = client.Get(base + "/slow")
	netError, ok := err.(net.Error)
	fmt.Println("timeout:", ok && netError.Timeout())
	must(server.Shutdown(context.Background()))
	_, err = http.Get(base)
	fmt.Println("refused:", strings.Contains(fmt.Sprint(err), "connection refused"))
}

func children() {
	command := exec.Command(os.Args[0], "child")
	command.Stdin = strings.NewReader("from the parent")
	output, err := command.Output()
	exit, ok := err.(*exec.ExitError)
	fmt.Printf("%q %v %v\n", output, ok, exit.ExitCode())
	output, err = exec.Command("sh", "-c", "echo of the host; kill -TERM $$").Output()
	status := err.(*exec.ExitError).Sys().(syscall.WaitStatus)
	fmt.Printf("%q %v %v\n", output, status.Signaled(), status.Signal())
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fmt.Println(exec.CommandContext(ctx, os.Args[0], "sleep").Run())
}

func signals() {
	got := make(chan os.Signal, 10)
	signal.Notify(got, syscall.SIGUSR1, syscall.SIGWINCH)
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGWINCH} {
		must(syscall.Kill(os.Getpid(), s))
		fmt.Println("signal:", <-got == s)
	}
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var nothing *http.Server
		fmt.Println(nothing.Addr)
	}()
}

func timers() {
	begin := time.Now()
	ticker := time.NewTicker(10 * time.Millisecond)
	for i := 0; i < 5; i++ {
		<-ticker.C
	}
	ticker.Stop()
	fmt.Println("ticks:", time.Since(begin) > 45*time.Millisecond)
	select {
	case <-time.After(20 * time.Millisecond):
		fmt.Println("after")
	case <-make(chan int):
	}
}

func interfaces() {
	all, err := net.Interfaces()
	must(err)
	for _, i := range all {
		addresses, err := i.Addrs()
		must(err)
		fmt.Println(i.Index, i.Name, i.MTU, i.HardwareAddr, i.Flags&net.FlagUp, i.Flags&net.FlagLoopback, addresses)
	}
}

func main() {
	if len(os.Args) > 1 {
		if os.Args[1] == "sleep" {
			time.Sleep(time.Minute)
		}
		text, _ := io.ReadAll(os.Stdin)
		fmt.Printf("child: %s", text)
		os.Exit(3)
	}
	goroutines()
	files()
	web()
	children()
	signals()
	timers()
	interfaces()
}
