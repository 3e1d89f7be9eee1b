#!/usr/bin/env python3
"""Writes expected.json: what the captures in this folder say, by a reader written apart from hal/driver/sml.

It does not receive a stream: it looks for whole frames in each file, checks them, and reads the lists of values. Run it in
this folder and review the difference.
"""
import decimal
import glob
import json
import re

UNITS = {8: '°', 27: 'W', 28: 'VA', 29: 'var', 30: 'Wh', 33: 'A', 35: 'V', 44: 'Hz', None: '1'}
FRAME = re.compile(b'\x1b{4}\x01{4}(.*?)\x1b{4}\x1a(.)(..)', re.DOTALL)


def x25(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    return (crc ^ 0xFFFF).to_bytes(2, 'little')


def element(data, at):
    kind, length, size = data[at] >> 4 & 7, data[at] & 15, 1
    while data[at + size - 1] & 0x80:
        length, size = length << 4 | data[at + size] & 15, size + 1
    if kind == 7:
        items, end = [], at + size
        for _ in range(length):
            item, end = element(data, end)
            items.append(item)
        return items, end
    value = data[at + size:at + length]
    if kind in (5, 6):
        return (kind, len(value), int.from_bytes(value, 'big', signed=kind == 5)), at + length
    return value, at + length


def messages(data):
    at = 0
    while data[at:].strip(b'\0'):
        parts, end = [], at + 1
        for _ in range(4):
            part, end = element(data, end)
            parts.append(part)
        crc, after = element(data, end)
        if crc[2].to_bytes(2, 'big') != x25(data[at:end]):
            raise ValueError('message checksum')
        yield parts[3]
        at = after + 1


def serial(name):
    if len(name) == 10 and name[0] in (9, 10) and name[2:5].isalpha():
        return '%X%s%02X%08d' % (name[1], name[2:5].decode(), name[5], int.from_bytes(name[6:], 'big'))
    return name.decode() if name.isascii() and name.isdigit() else name.hex().upper()


def is_old_dzg(name):
    number = int.from_bytes(name[6:], 'big')
    return name[2:5] == b'DZG' and (42000000 <= number < 49000000 or 55000000 <= number < 59000000)


def values(response):
    for name, _, _, unit, scaler, value, _ in response[4]:
        if not isinstance(value, tuple):
            continue
        obis = '%d-%d:%d.%d.%d*%d' % tuple(name)
        kind, size, number = value
        if is_old_dzg(response[1]) and obis == '1-0:16.7.0*255' and kind == 5 and size < 4:
            number %= 256 ** size
        scaled = decimal.Decimal(number).scaleb(scaler[2] if scaler else 0)
        yield [obis, format(scaled, 'f'), UNITS[unit[2] if unit else None]]


def telegram(match):
    frame = match.group(0)
    if x25(frame[:-2]) != frame[-2:]:
        return None
    try:
        bodies = list(messages(match.group(1)))
    except ValueError:
        return None
    (response,) = (content for tag, content in bodies if tag[2] == 0x701)
    return {'serial': serial(response[1]), 'values': list(values(response))}


def capture(path):
    text = ''.join(line for line in open(path) if not line.startswith('#'))
    found = (telegram(match) for match in FRAME.finditer(bytes.fromhex(text)))
    return [good for good in found if good]


expected = {path: capture(path) for path in sorted(glob.glob('*.hex'))}
with open('expected.json', 'w') as file:
    for separator, (path, telegrams) in zip(['{'] + [','] * len(expected), expected.items()):
        lines = ',\n'.join('  ' + json.dumps(telegram, ensure_ascii=False) for telegram in telegrams)
        file.write(f'{separator}\n "{path}": [\n{lines}\n ]')
    file.write('\n}\n')
