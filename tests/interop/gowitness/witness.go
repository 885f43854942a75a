package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// witness cosigns one log, as C2SP tlog-witness v1.0.0 says.
type witness struct {
	cosigner
	log    note.Verifier
	mu     sync.Mutex
	tree   tlog.Tree
	signed []byte
}

func serve(c cosigner, logKey string) error {
	verifier, err := note.NewVerifier(logKey)
	if err != nil {
		return err
	}
	w := &witness{cosigner: c, log: verifier}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/add-checkpoint", w.addCheckpoint)
	mux.HandleFunc(fmt.Sprintf("/%x/checkpoint", sha256.Sum256([]byte(verifier.Name()))), w.checkpoint)
	fmt.Printf("http://%s\n", listener.Addr())
	go func() {
		// Whoever started us holds the other end, and ends us by letting go.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return http.Serve(listener, mux)
}

func (w *witness) checkpoint(out http.ResponseWriter, _ *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.signed == nil {
		http.Error(out, "never cosigned", http.StatusNotFound)
		return
	}
	_, _ = out.Write(w.signed)
}

func (w *witness) addCheckpoint(out http.ResponseWriter, in *http.Request) {
	// 16 KiB is what transparency-dev/witness reads.
	body, err := io.ReadAll(http.MaxBytesReader(out, in.Body, 16<<10))
	if err != nil {
		http.Error(out, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	old, proof, signed, err := parseBody(body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	if origin != w.log.Name() {
		http.Error(out, "unknown log", http.StatusNotFound)
		return
	}
	opened, err := note.Open(signed, note.VerifierList(w.log))
	if err != nil {
		http.Error(out, err.Error(), http.StatusForbidden)
		return
	}
	tree, err := parseCheckpoint(opened.Text, origin)
	if err != nil || old > tree.N {
		http.Error(out, "not a checkpoint, or smaller than the old size", http.StatusBadRequest)
		return
	}
	w.cosign(out, old, proof, tree, opened)
}

func (w *witness) cosign(out http.ResponseWriter, old int64, proof tlog.TreeProof, tree tlog.Tree, n *note.Note) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old != w.tree.N {
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintf(out, "%d\n", w.tree.N)
		return
	}
	if err := extends(w.tree, tree, proof); err != nil {
		http.Error(out, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	withLog, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs})
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	ours, err := note.Sign(&note.Note{Text: n.Text}, w.cosigner)
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	line := ours[len(n.Text)+1:]
	w.tree, w.signed = tree, addLines(withLog, line)
	_, _ = out.Write(line)
}

func extends(old, tree tlog.Tree, proof tlog.TreeProof) error {
	if old.N == 0 || old.N == tree.N {
		if len(proof) != 0 || (old.N != 0 && old.Hash != tree.Hash) {
			return errors.New("no proof belongs here, or the roots differ")
		}
		return nil
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

func parseBody(body []byte) (old int64, proof tlog.TreeProof, signed []byte, err error) {
	head, signed, found := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || !strings.HasPrefix(lines[0], "old ") || len(lines) > 64 {
		return 0, nil, nil, errors.New("not `old <size>`, proof, empty line, checkpoint")
	}
	digits := strings.TrimPrefix(lines[0], "old ")
	old, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || old < 0 || strconv.FormatInt(old, 10) != digits {
		return 0, nil, nil, errors.New("not a size: " + digits)
	}
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return 0, nil, nil, err
		}
		proof = append(proof, hash)
	}
	return old, proof, signed, nil
}
