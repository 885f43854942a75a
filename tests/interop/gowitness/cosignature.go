package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	algEd25519     = 1
	algCosignature = 4
)

// keyHash is the key id of signed-note: the first four bytes of SHA-256(name || newline || type || key).
func keyHash(name string, alg byte, key []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{alg})
	h.Write(key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func vkeyText(name string, alg byte, key []byte) string {
	encoded := base64.StdEncoding.EncodeToString(append([]byte{alg}, key...))
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, alg, key), encoded)
}

// cosigned is the message of cosignature/v1: header, time, then the whole note text.
func cosigned(text []byte, at uint64) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", at)), text...)
}

type logSigner struct {
	note.Signer
	vkey string
}

func newLogSigner(name string, seed []byte) (logSigner, error) {
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	encoded := base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, seed...))
	text := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, keyHash(name, algEd25519, public), encoded)
	signer, err := note.NewSigner(text)
	return logSigner{signer, vkeyText(name, algEd25519, public)}, err
}

type cosigner struct {
	name string
	key  ed25519.PrivateKey
}

func newCosigner(name string, seed []byte) cosigner {
	return cosigner{name, ed25519.NewKeyFromSeed(seed)}
}

func (c cosigner) public() []byte  { return c.key.Public().(ed25519.PublicKey) }
func (c cosigner) vkey() string    { return vkeyText(c.name, algCosignature, c.public()) }
func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return keyHash(c.name, algCosignature, c.public()) }

func (c cosigner) Sign(text []byte) ([]byte, error) {
	at := uint64(time.Now().Unix())
	sig := binary.BigEndian.AppendUint64(nil, at)
	return append(sig, ed25519.Sign(c.key, cosigned(text, at))...), nil
}

type cosignatureVerifier struct {
	name string
	key  ed25519.PublicKey
}

func newCosignatureVerifier(text string) (note.Verifier, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("not a verifier key: " + text)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != algCosignature {
		return nil, errors.New("not a cosignature/v1 key: " + text)
	}
	if text != vkeyText(parts[0], algCosignature, raw[1:]) {
		return nil, errors.New("the key id is not that of the key: " + text)
	}
	return cosignatureVerifier{parts[0], raw[1:]}, nil
}

func (v cosignatureVerifier) Name() string    { return v.name }
func (v cosignatureVerifier) KeyHash() uint32 { return keyHash(v.name, algCosignature, v.key) }

func (v cosignatureVerifier) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	distance := time.Now().Unix() - int64(at)
	return at != 0 && -300 <= distance && distance <= 600 && ed25519.Verify(v.key, cosigned(text, at), sig[8:])
}

// parseCheckpoint reads origin, size and root hash (C2SP tlog-checkpoint).
func parseCheckpoint(text, origin string) (tlog.Tree, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != origin {
		return tlog.Tree{}, errors.New("not a checkpoint of " + origin)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("not a size: " + lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// addLines is the note with further signature lines.
func addLines(signed, lines []byte) []byte {
	return append(append([]byte{}, signed...), lines...)
}
