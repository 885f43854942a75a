package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// logOf is a log in memory: x/mod's stored hashes.
type logOf struct {
	signer logSigner
	stored []tlog.Hash
	size   int64
}

func (l *logOf) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		hashes[i] = l.stored[at]
	}
	return hashes, nil
}

func (l *logOf) grow(size int64) error {
	for ; l.size < size; l.size++ {
		hashes, err := tlog.StoredHashes(l.size, []byte(fmt.Sprintf("entry %d", l.size)), l)
		if err != nil {
			return err
		}
		l.stored = append(l.stored, hashes...)
	}
	return nil
}

func (l *logOf) signed(size int64, name string) ([]byte, error) {
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", name, size, root)
	return note.Sign(&note.Note{Text: text}, l.signer)
}

// step is one request to add-checkpoint and the status that has to come of it.
type step struct {
	what     string
	old, new int64
	status   int
	spoil    func(body []byte) []byte
}

func steps(name string) []step {
	flipProof := func(body []byte) []byte {
		at := bytes.IndexByte(body, '\n') + 1
		body[at] = "AB"[btoi(body[at] == 'A')]
		return body
	}
	return []step{
		{"a size beyond the checkpoint's", 2, 1, 400, nil},
		{"the first", 0, 1, 200, nil},
		{"a proof that is none", 1, 3, 422, flipProof},
		{"another origin", 1, 3, 404, func(b []byte) []byte {
			return bytes.Replace(b, []byte(name), []byte("unheard."+name), 1)
		}},
		{"a signature of another text", 1, 3, 403, func(b []byte) []byte {
			return bytes.Replace(b, []byte("\n3\n"), []byte("\n4\n"), 1)
		}},
		{"the second", 1, 3, 200, nil},
		{"the second again, from too early", 1, 3, 409, nil},
		{"the second again, for a newer time", 3, 3, 200, nil},
		{"a proof where none belongs", 3, 3, 422, func(b []byte) []byte {
			at := bytes.IndexByte(b, '\n') + 1
			hash := tlog.Hash(sha256.Sum256(nil)).String() + "\n"
			return append(append(append([]byte{}, b[:at]...), hash...), b[at:]...)
		}},
		{"many at once", 3, 1000, 200, nil},
		{"older ones", 3, 700, 409, nil},
		{"an even number", 1000, 1024, 200, nil},
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func play(name string, seed []byte, url, witnessKey string) error {
	signer, err := newLogSigner(name, seed)
	if err != nil {
		return err
	}
	verifier, err := newCosignatureVerifier(witnessKey)
	if err != nil {
		return err
	}
	l := &logOf{signer: signer}
	if err := l.grow(1024); err != nil {
		return err
	}
	last := int64(0)
	for _, s := range steps(name) {
		if err := l.take(s, name, url, verifier, &last); err != nil {
			return fmt.Errorf("%s (%d to %d): %w", s.what, s.old, s.new, err)
		}
		fmt.Printf("%d %s\n", s.status, s.what)
	}
	return nil
}

func (l *logOf) take(s step, name, url string, witness note.Verifier, last *int64) error {
	signed, err := l.signed(s.new, name)
	if err != nil {
		return err
	}
	body := fmt.Sprintf("old %d\n", s.old)
	if s.old != 0 && s.old < s.new {
		proof, err := tlog.ProveTree(s.new, s.old, l)
		if err != nil {
			return err
		}
		for _, hash := range proof {
			body += hash.String() + "\n"
		}
	}
	request := append([]byte(body+"\n"), signed...)
	if s.spoil != nil {
		request = s.spoil(request)
	}
	reply, err := http.Post(url+"/add-checkpoint", "text/plain", bytes.NewReader(request))
	if err != nil {
		return err
	}
	answer, err := read(reply)
	if err != nil {
		return err
	}
	if reply.StatusCode != s.status {
		return fmt.Errorf("the witness answers %d, not %d: %s", reply.StatusCode, s.status, answer)
	}
	switch s.status {
	case http.StatusOK:
		*last = s.new
		return l.cosigned(addLines(signed, answer), name, url, witness)
	case http.StatusConflict:
		kind := reply.Header.Get("Content-Type")
		if kind != "text/x.tlog.size" || string(answer) != fmt.Sprintf("%d\n", *last) {
			return fmt.Errorf("409 says %q as %s", answer, kind)
		}
	}
	return nil
}

// cosigned checks the witness's line, and that the witness shows the same note to anybody who asks.
func (l *logOf) cosigned(signed []byte, name, url string, witness note.Verifier) error {
	logVerifier, err := note.NewVerifier(l.signer.vkey)
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(logVerifier, witness))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != 2 {
		return fmt.Errorf("%d known signatures", len(opened.Sigs))
	}
	reply, err := http.Get(fmt.Sprintf("%s/%x/checkpoint", strings.TrimSuffix(url, "/"), sha256.Sum256([]byte(name))))
	if err != nil {
		return err
	}
	shown, err := read(reply)
	if err == nil && !bytes.Equal(shown, signed) {
		err = fmt.Errorf("the witness shows another note than it signed: %s", shown)
	}
	return err
}

func read(reply *http.Response) ([]byte, error) {
	defer reply.Body.Close()
	return io.ReadAll(reply.Body)
}
