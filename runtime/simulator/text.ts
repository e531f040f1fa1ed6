import type { MediaKind } from './message.js';
import { between, pick, type Random } from './random.js';

type Words = readonly [string, ...string[]];

/** Words of each script; joined by `space`. */
const SCRIPTS: readonly [Script, ...Script[]] = [
  {
    name: 'Latin',
    space: ' ',
    words: [
      'market',
      'river',
      'très',
      'straße',
      'update',
      'señal',
      'quietly',
      'harbour',
      'noon',
      'Łódź',
      'of',
      'the',
      'a',
    ],
  },
  {
    name: 'Cyrillic',
    space: ' ',
    words: ['сегодня', 'новости', 'город', 'погода', 'їжак', 'рынок', 'вечером', 'и', 'на', 'поезд', 'мост'],
  },
  {
    name: 'Arabic',
    space: ' ',
    words: ['اليوم', 'أخبار', 'المدينة', 'سوق', 'مساءً', 'الطقس', 'في', 'على', 'قطار', 'جسر'],
  },
  {
    name: 'CJK',
    space: '',
    words: ['今日', '新聞', '天気', '市場', 'ニュース', '電車', '城市', '桥', '서울', '날씨', '、', '。'],
  },
  {
    name: 'Devanagari',
    space: ' ',
    words: ['आज', 'समाचार', 'शहर', 'मौसम', 'बाज़ार', 'शाम', 'और', 'में', 'रेलगाड़ी', 'पुल'],
  },
];

interface Script {
  readonly name: string;
  readonly space: string;
  readonly words: Words;
}

/** Among them sequences joined by U+200D, a flag, a keycap and a skin tone: one sign, many code units. */
const EMOJI: Words = ['😀', '🔥', '❤️', '👨‍👩‍👧‍👦', '🏳️‍🌈', '👩🏽‍🚀', '🇺🇳', '1️⃣', '👍🏿', '🧑‍💻'];

/** Share, and shortest and longest length in UTF-16 units: many short, some long, a few of the longest there is. */
const LENGTHS: readonly { readonly share: number; readonly from: number; readonly to: number }[] = [
  { share: 0.62, from: 8, to: 140 },
  { share: 0.26, from: 141, to: 500 },
  { share: 0.115, from: 501, to: 2_000 },
  { share: 0.005, from: 4_096, to: 4_096 },
];

export interface GeneratedPost {
  readonly text: string;
  readonly media: MediaKind | null;
}

/** A post as a news channel might make it; one in twelve has media, half of those no caption. */
export function generatePost(random: Random): GeneratedPost {
  const media = random() < 1 / 12 ? pick<MediaKind>(random, ['photo', 'document']) : null;
  if (media !== null && random() < 0.5) return { text: '', media };
  return { text: generateText(random, pickLength(random)), media };
}

function pickLength(random: Random): number {
  let left = random();
  for (const { share, from, to } of LENGTHS) {
    if (left < share) return between(random, from, to);
    left -= share;
  }
  return LENGTHS[0]?.from ?? 1;
}

/** Exactly so many UTF-16 units, never half a sign. */
export function generateText(random: Random, length: number): string {
  const script = pick(random, SCRIPTS);
  let text = '';
  while (text.length < length) {
    const word = random() < 0.06 ? pick(random, EMOJI) : pick(random, script.words);
    const next = text === '' ? word : `${script.space}${word}`;
    if (text.length + next.length > length) return text.padEnd(length, '.');
    text += next;
  }
  return text;
}
