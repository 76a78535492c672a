//! Media types of files: by extension for what is uploaded (UP-02), by content for what is downloaded (DOWN-01).

use crate::scan::rsplit;

/// `fileType`: what kind of file is uploaded (UP-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A sound.
    Audio,
}

impl FileType {
    /// The file type of this name: `image`, `video` or `audio`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "image" => Some(Self::Image),
            "video" => Some(Self::Video),
            "audio" => Some(Self::Audio),
            _ => None,
        }
    }

    /// The media type of a file of this kind: by its extension, in any letter case, else the usual one of the kind.
    pub fn media_type(self, file_name: &str) -> &'static str {
        let extension = rsplit(file_name, b'.').map_or("", |(_, extension)| extension);
        let known = BY_EXTENSION.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension));
        match (known, self) {
            (Some((_, media_type)), _) => media_type,
            (None, Self::Image) => "image/jpeg",
            (None, Self::Video) => "video/mp4",
            (None, Self::Audio) => "audio/mpeg",
        }
    }
}

const BY_EXTENSION: [(&str, &str); 22] = [
    ("aac", "audio/aac"),
    ("amr", "audio/amr"),
    ("avi", "video/x-msvideo"),
    ("bmp", "image/bmp"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("m4a", "audio/mp4"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("3gp", "video/3gpp"),
];

/// How many bytes of a content are enough for [`extension_of_content`].
pub const SNIFFED: usize = 12;

/// The extension, without its dot, of a content that begins so; `None` for a content that is not known.
///
/// Knows the common kinds of images, films, sounds, and PDF.
pub fn extension_of_content(start: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| start.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let found = match start {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "png",
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "gif",
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => "bmp",
        [b'%', b'P', b'D', b'F', b'-', ..] => "pdf",
        [b'R', b'I', b'F', b'F', ..] if at(8, b"WEBP") => "webp",
        [b'R', b'I', b'F', b'F', ..] if at(8, b"WAVE") => "wav",
        [b'R', b'I', b'F', b'F', ..] if at(8, b"AVI ") => "avi",
        [b'O', b'g', b'g', b'S', ..] => "ogg",
        [b'f', b'L', b'a', b'C', ..] => "flac",
        [b'I', b'D', b'3', ..] => "mp3",
        [b'#', b'!', b'A', b'M', b'R', ..] => "amr",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "webm",
        _ if at(4, b"ftyp") => match start.get(8..12) {
            Some(b"heic" | b"heix" | b"mif1") => "heic",
            Some(b"qt  ") => "mov",
            Some(b"M4A ") => "m4a",
            Some(brand) if brand.starts_with(b"3g") => "3gp",
            Some(_) => "mp4",
            None => return None,
        },
        // An ADTS frame has layer 0, and MPEG audio that is met in files layer III.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => "aac",
        [0xff, second, ..] if second & 0xe6 == 0xe2 => "mp3",
        _ => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_01_there_are_three_file_types() {
        assert_eq!(FileType::from_name("image"), Some(FileType::Image));
        for other in ["Image", "pdf", "", "file"] {
            assert_eq!(FileType::from_name(other), None);
        }
    }

    #[test]
    fn up_02_the_media_type_comes_from_the_extension_or_else_from_the_kind() {
        assert_eq!(FileType::Image.media_type("a.b.PNG"), "image/png");
        assert_eq!(FileType::Image.media_type("a"), "image/jpeg");
        assert_eq!(FileType::Video.media_type("png"), "video/mp4");
        assert_eq!(FileType::Audio.media_type("a.unknown"), "audio/mpeg");
        assert_eq!(FileType::Audio.media_type("a.WAV"), "audio/wav");
        assert!(BY_EXTENSION.iter().all(|(extension, _)| *extension == extension.to_lowercase()));
    }

    #[test]
    fn down_01_the_extension_comes_from_the_content() {
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"\x89PNG\r\n\x1a\n\0\0\0\r", Some("png")),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01", Some("jpg")),
            (b"GIF89a\x01\0\x01\0\x80\0", Some("gif")),
            (b"BM\x46\0\0\0\0\0\0\0\x36\0", Some("bmp")),
            (b"BM is a text", None),
            (b"%PDF-1.7\n%\xe2\xe3", Some("pdf")),
            (b"RIFF\x24\0\0\0WEBP", Some("webp")),
            (b"RIFF\x24\0\0\0WAVE", Some("wav")),
            (b"RIFF\x24\0\0\0XXXX", None),
            (b"OggS\0\x02\0\0\0\0\0\0", Some("ogg")),
            (b"fLaC\0\0\0\x22\x10\0\x10\0", Some("flac")),
            (b"ID3\x03\0\0\0\0\0\0\0\0", Some("mp3")),
            (b"\xff\xfb\x90\x64\0\0\0\0\0\0\0\0", Some("mp3")),
            (b"\xff\xf1\x50\x80\0\0\0\0\0\0\0\0", Some("aac")),
            (b"\0\0\0\x20ftypisom", Some("mp4")),
            (b"\0\0\0\x14ftypqt  ", Some("mov")),
            (b"\0\0\0\x18ftypheic", Some("heic")),
            (b"\0\0\0\x1cftypM4A ", Some("m4a")),
            (b"\0\0\0\x18ftyp3gp4", Some("3gp")),
            (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f", Some("webm")),
            (b"#!AMR\n\x3c\0\0\0\0\0", Some("amr")),
            (b"<!doctype html>", None),
            (b"", None),
            (b"\xff\xfe\x41\0", None),
        ];
        for (content, extension) in cases {
            assert_eq!(extension_of_content(content), *extension, "{}", content.escape_ascii());
            for length in 0..content.len() {
                let _ = extension_of_content(&content[..length]);
            }
        }
    }
}
