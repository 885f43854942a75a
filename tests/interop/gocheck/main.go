// Gocheck rebuilds a published log from its entries with code none of us wrote: the Go team's
// golang.org/x/mod/sumdb/{note,tlog}, which also guards the Go module checksum database.
//
//	gocheck [-vkey FILE] DIR
//	gocheck [-vkey FILE] -receipt FILE -entry FILE [DIR]
//
// DIR holds the public files of one log under their C2SP tlog-tiles paths: checkpoint, tile/<L>/..., and
// tile/entries/.... The first line of the vkey file (by default DIR/vkey) is the log's Ed25519 verifier key.
// The first form prints "ok size=N tiles=M", the second, which checks a .tlog-proof, "ok index=I size=N".
// Any disagreement is one line on standard error and exit status 1.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height    = 8
	fullTile  = 1 << height
	proofHead = "c2sp.org/tlog-proof@v1\n"
)

func main() {
	receipt := flag.String("receipt", "", "check this .tlog-proof instead of the whole log")
	entry := flag.String("entry", "", "the entry the receipt is for")
	vkey := flag.String("vkey", "", "verifier key of the log (default DIR/vkey)")
	flag.Parse()
	dir := flag.Arg(0)
	if *vkey == "" {
		*vkey = filepath.Join(dir, "vkey")
	}
	line, err := run(dir, *vkey, *receipt, *entry)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gocheck:", err)
		os.Exit(1)
	}
	fmt.Println(line)
}

func run(dir, vkeyFile, receiptFile, entryFile string) (string, error) {
	verifier, err := readVerifier(vkeyFile)
	if err != nil {
		return "", err
	}
	if receiptFile != "" {
		return checkReceipt(verifier, receiptFile, entryFile)
	}
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return "", err
	}
	tree, err := openCheckpoint(data, verifier)
	if err != nil {
		return "", err
	}
	return checkLog(dir, tree)
}

func readVerifier(file string) (note.Verifier, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return note.NewVerifier(line)
}

// openCheckpoint verifies the note and reads origin, size and root hash (C2SP tlog-checkpoint).
// The checkpoint format of tlog.ParseTree has a fixed first line, so it does not serve here.
func openCheckpoint(data []byte, verifier note.Verifier) (tlog.Tree, error) {
	n, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("checkpoint: not of the log this key is for")
	}
	size, err := parseDecimal(lines[1])
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: size: %w", err)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: root: %w", err)
	}
	return tlog.Tree{N: size, Hash: root}, nil
}

func parseDecimal(text string) (int64, error) {
	value, err := strconv.ParseInt(text, 10, 64)
	if err == nil && (value < 0 || strconv.FormatInt(value, 10) != text) {
		err = errors.New("not a plain decimal: " + text)
	}
	return value, err
}

// checkLog rebuilds the tree from the entry bundles and compares its root and every tile at every level.
func checkLog(dir string, tree tlog.Tree) (string, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			if at >= int64(len(stored)) {
				return nil, fmt.Errorf("hash %d of %d asked for", at, len(stored))
			}
			hashes[i] = stored[at]
		}
		return hashes, nil
	})
	for index := int64(0); index < tree.N; {
		bundle := tlog.Tile{H: height, L: -1, N: index / fullTile, W: width(tree.N, index)}
		entries, err := readBundle(dir, bundle)
		if err != nil {
			return "", err
		}
		for _, entry := range entries {
			hashes, err := tlog.StoredHashes(index, entry, reader)
			if err != nil {
				return "", err
			}
			stored = append(stored, hashes...)
			index++
		}
	}
	tiles := tilesOf(tree.N)
	for _, tile := range tiles {
		if err := compareTile(dir, tile, reader); err != nil {
			return "", err
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return "", err
	}
	if tree.N == 0 {
		// x/mod calls the empty tree's root all zeroes, RFC 6962 2.1 the hash of the empty string.
		root = sha256.Sum256(nil)
	}
	if root != tree.Hash {
		return "", fmt.Errorf("the entries have root %v, the checkpoint says %v", root, tree.Hash)
	}
	return fmt.Sprintf("ok size=%d tiles=%d", tree.N, len(tiles)), nil
}

// tilesOf lists the tiles of one size. tlog.NewTiles does not serve: x/mod 0.7 lists every narrower
// partial tile as well, later versions do not.
func tilesOf(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level := 0; size > 0; level++ {
		for n := int64(0); n*fullTile < size; n++ {
			tiles = append(tiles, tlog.Tile{H: height, L: level, N: n, W: width(size, n*fullTile)})
		}
		size /= fullTile
	}
	return tiles
}

func width(size, index int64) int {
	if rest := size - index; rest < fullTile {
		return int(rest)
	}
	return fullTile
}

func compareTile(dir string, tile tlog.Tile, reader tlog.HashReader) error {
	want, err := tlog.ReadTileData(tile, reader)
	if err != nil {
		return err
	}
	got, path, err := readPublished(dir, tile)
	if err != nil {
		return err
	}
	if tile.W < fullTile && len(got) > len(want) && !strings.Contains(path, ".p/") {
		got = got[:len(want)]
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s differs from the tile rebuilt from the entries", path)
	}
	return nil
}

// readPublished reads a tile or bundle; where a partial one is gone, the full one that replaced it.
func readPublished(dir string, tile tlog.Tile) (data []byte, path string, err error) {
	path = c2spPath(tile)
	data, err = os.ReadFile(filepath.Join(dir, path))
	if errors.Is(err, os.ErrNotExist) && tile.W < fullTile {
		tile.W = fullTile
		path = c2spPath(tile)
		data, err = os.ReadFile(filepath.Join(dir, path))
	}
	return data, path, err
}

// c2spPath is x/mod's path without the tile height, with "entries" for "data".
func c2spPath(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

func readBundle(dir string, tile tlog.Tile) ([][]byte, error) {
	data, path, err := readPublished(dir, tile)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(entries) < tile.W {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends within entry %d", path, len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if len(data) != 0 && (tile.W == fullTile || strings.Contains(path, ".p/")) {
		return nil, fmt.Errorf("%s has %d bytes too many", path, len(data))
	}
	return entries, nil
}

func checkReceipt(verifier note.Verifier, receiptFile, entryFile string) (string, error) {
	data, err := os.ReadFile(receiptFile)
	if err != nil {
		return "", err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return "", err
	}
	head, checkpoint, found := strings.Cut(string(data), "\n\n")
	if !found || !strings.HasPrefix(head, proofHead) {
		return "", errors.New("receipt: not a tlog-proof")
	}
	index, proof, err := parseProof(strings.Split(strings.TrimPrefix(head, proofHead), "\n"))
	if err != nil {
		return "", fmt.Errorf("receipt: %w", err)
	}
	tree, err := openCheckpoint([]byte(checkpoint), verifier)
	if err != nil {
		return "", err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return "", fmt.Errorf("receipt: %w", err)
	}
	return fmt.Sprintf("ok index=%d size=%d", index, tree.N), nil
}

func parseProof(lines []string) (int64, tlog.RecordProof, error) {
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return 0, nil, errors.New("no index line")
	}
	index, err := parseDecimal(strings.TrimPrefix(lines[0], "index "))
	if err != nil {
		return 0, nil, err
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		raw, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return 0, nil, fmt.Errorf("not a hash: %q", line)
		}
		proof = append(proof, *(*tlog.Hash)(raw))
	}
	return index, proof, nil
}
